"""One connection to a mail server, which always knows how far the present message has come.

Source: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 2920 (PIPELINING), RFC 6531 (SMTPUTF8).
"""

import base64
import select
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Self

from nurture.config.smtp_url import Security, SmtpServer
from nurture.domain.errors import AccountRefused, MailerError, RefusedForNow
from nurture.mail.mime import Wire
from nurture.mail.smtp_replies import Phase, Reply, loss, refusal

REPLY_LIMIT = 64 * 1024
"""Bytes that a server may have sent without ending its reply."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds to wait for a connection, for the reply to a command, and for that to the final dot.

    Source: RFC 5321, 4.5.3.2 (ten minutes for the final dot; commands are given less than it suggests,
    because a refusal there is certain and costs only a later try).
    """

    connect_seconds: float = 20.0
    command_seconds: float = 60.0
    final_seconds: float = 600.0


class SmtpSession:
    """An open connection, greeted, protected and logged in. It serves one thread at a time."""

    def __init__(self, connection: socket.socket, patience: Patience) -> None:
        self.phase = Phase.OPENING
        self.broken = False
        self.used_at = time.monotonic()
        self._socket = connection
        self._patience = patience
        self._received = b""
        self._offers: dict[str, str] = {}

    @classmethod
    def open(cls, server: SmtpServer, patience: Patience) -> Self:
        """Connect, protect and log in as the server's entry demands.

        Raises:
            RefusedForNow: it cannot be reached, or says to come back later.
            AccountRefused: it does not know us, or does not offer the protection that is required.
        """
        session: Self | None = None
        try:
            connection = socket.create_connection((server.host, server.port), patience.connect_seconds)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = cls(connection, patience)
            session._greet(server)
            return session
        except MailerError:
            _close(session)
            raise
        except ssl.SSLCertVerificationError as error:
            _close(session)
            raise AccountRefused(
                f"{server.host} shows a certificate that cannot be trusted: {error.verify_message}. "
                "Correct the host's name, or add ?ca=FILE with its authority to NURTURE_SMTP_URL."
            ) from error
        except (OSError, ValueError) as error:
            _close(session)
            raise loss(Phase.OPENING, error) from error

    def offers(self, extension: str) -> bool:
        """Whether the server's last EHLO names the extension."""
        return extension in self._offers

    def usable(self) -> bool:
        """Whether the connection is still silent, as an idle one must be; a farewell or an end says no."""
        try:
            readable, _, _ = select.select([self._socket], [], [], 0)
        except (OSError, ValueError):
            return False
        return not readable and not self._received

    @property
    def hung_up(self) -> bool:
        """Whether the server left before it was given any content, as it may do with an idle connection."""
        return self.broken and self.phase in (Phase.SENDER, Phase.RECIPIENT, Phase.DATA)

    def send(self, sender: str, recipient: str, content: Wire) -> Reply:
        """Hand over one message; dots at the start of its lines are doubled here.

        Raises:
            MailerError: of the kind that the phase and the server's words call for. Afterwards `broken`
                says whether the connection is of any more use.
        """
        self.phase = Phase.SENDER
        try:
            self._envelope(sender, recipient, content)
            self.phase = Phase.CONTENT
            # As long as this call has not returned, the final dot is not complete, and nothing is accepted.
            self._socket.sendall(stuffed(content) + b".\r\n")
            self.phase = Phase.AFTER_DOT
            reply = self._read(self._patience.final_seconds)
        except (OSError, ValueError) as error:
            self.broken = True
            raise loss(self.phase, error) from error
        if not reply.done:
            raise self._refusal(reply)
        self.used_at = time.monotonic()
        return reply

    def reset(self) -> bool:
        """Forget a refused envelope; False when the connection is no good any more."""
        try:
            return not self.broken and self._command("RSET").done
        except (OSError, ValueError):
            return False

    def quit(self) -> None:
        """Say goodbye and close; failures do not matter."""
        try:
            self._socket.settimeout(1.0)
            self._socket.sendall(b"QUIT\r\n")
        except (OSError, ValueError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Close without a word."""
        self._socket.close()

    def _envelope(self, sender: str, recipient: str, content: bytes) -> None:
        commands = {
            Phase.SENDER: f"MAIL FROM:<{sender}>{self._mail_parameters(sender + recipient, content)}",
            Phase.RECIPIENT: f"RCPT TO:<{recipient}>",
            Phase.DATA: "DATA",
        }
        if self.offers("PIPELINING"):
            self._write("".join(f"{command}\r\n" for command in commands.values()))
            self._check_all(self._replies(tuple(commands)))
            return
        for self.phase, command in commands.items():
            self._check(self._command(command))

    def _replies(self, phases: tuple[Phase, ...]) -> dict[Phase, Reply]:
        """The replies to what was sent in one go; a server that leaves after a refusal has said enough."""
        replies: dict[Phase, Reply] = {}
        for self.phase in phases:
            try:
                replies[self.phase] = self._read(self._patience.command_seconds)
            except (OSError, ValueError):
                self.broken = True
                if all(reply.done for reply in replies.values()):
                    raise
                break
        return replies

    def _check_all(self, replies: dict[Phase, Reply]) -> None:
        # Where the envelope was refused and DATA was not, the server waits for a message to nobody. Only
        # leaving is certain to send nothing.
        envelope_refused = not all(reply.done for phase, reply in replies.items() if phase is not Phase.DATA)
        if envelope_refused and Phase.DATA in replies and replies[Phase.DATA].go_on:
            self.broken = True
        for self.phase, reply in replies.items():
            self._check(reply)

    def _check(self, reply: Reply) -> None:
        if not (reply.go_on if self.phase is Phase.DATA else reply.done):
            raise self._refusal(reply)

    def _refusal(self, reply: Reply) -> MailerError:
        self.broken = self.broken or reply.code == 421 or not 400 <= reply.code < 600
        return refusal(self.phase, reply)

    def _mail_parameters(self, addresses: str, content: bytes) -> str:
        size = f" SIZE={len(content)}" if self.offers("SIZE") else ""
        return size if addresses.isascii() else f"{size} SMTPUTF8"

    def _greet(self, server: SmtpServer) -> None:
        if server.security is Security.TLS:
            self._protect(server)
        self._check(self._read(self._patience.command_seconds))
        self._hello()
        if server.security is Security.STARTTLS:
            self._start_tls(server)
            self._hello()
        if server.username:
            self.phase = Phase.LOG_IN
            self._log_in(server)

    def _hello(self) -> None:
        reply = self._command(f"EHLO {_own_name(self._socket)}")
        self._check(reply)
        lines = reply.text.split("\n")[1:]
        self._offers = {line.split(" ")[0].upper(): line.partition(" ")[2].upper() for line in lines}

    def _start_tls(self, server: SmtpServer) -> None:
        if not self.offers("STARTTLS"):
            raise AccountRefused(
                f"{server.host} does not offer STARTTLS, which is required. Nothing was sent. If this server "
                "really speaks without protection, add ?starttls=never to NURTURE_SMTP_URL."
            )
        self._check(self._command("STARTTLS"))
        if self._received:
            raise RefusedForNow(
                f"{server.host} spoke before the protection began; somebody may be listening."
            )
        self._protect(server)

    def _protect(self, server: SmtpServer) -> None:
        context = ssl.create_default_context(cafile=server.ca_file)
        self._socket = context.wrap_socket(self._socket, server_hostname=server.host)

    def _log_in(self, server: SmtpServer) -> None:
        ways = self._offers.get("AUTH", "").split()
        if "PLAIN" in ways:
            secret = _base64(f"\0{server.username}\0{server.password}")
            self._check(self._command(f"AUTH PLAIN {secret}"))
        elif "LOGIN" in ways:
            for line in ("AUTH LOGIN", _base64(server.username)):
                if not (reply := self._command(line)).go_on:
                    raise self._refusal(reply)
            self._check(self._command(_base64(server.password)))
        else:
            offered = " ".join(ways) or "nothing"
            raise AccountRefused(
                f"{server.host} offers {offered} to log in with; AUTH PLAIN or LOGIN is needed."
            )

    def _command(self, line: str) -> Reply:
        self._write(f"{line}\r\n")
        return self._read(self._patience.command_seconds)

    def _write(self, lines: str) -> None:
        self._socket.settimeout(self._patience.command_seconds)
        self._socket.sendall(lines.encode())

    def _read(self, seconds: float) -> Reply:
        self._socket.settimeout(seconds)
        texts: list[str] = []
        while True:
            line = self._read_line()
            code, more, rest = line[:3], line[3:4], line[4:]
            if not (code.isdigit() and code.isascii() and more in ("", " ", "-")):
                raise ValueError(f"not a reply of SMTP: {line[:100]!r}")
            texts.append(rest)
            if more != "-":
                return Reply(int(code), "\n".join(texts))
            if sum(map(len, texts)) > REPLY_LIMIT:
                raise ValueError("a reply without end")

    def _read_line(self) -> str:
        while b"\n" not in self._received:
            if len(self._received) > REPLY_LIMIT:
                raise ValueError("a line without end")
            chunk = self._socket.recv(16_384)
            if not chunk:
                raise ConnectionError("the server closed the connection")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "replace")


def stuffed(content: Wire) -> bytes:
    """The content as it follows DATA, with dots at the start of lines doubled.

    Source: RFC 5321, 4.5.2.
    """
    lines = bytes(content)
    doubled = lines.replace(b"\n.", b"\n..") if b"\n." in lines else lines
    return b"." + doubled if doubled.startswith(b".") else doubled


def _close(session: SmtpSession | None) -> None:
    if session is not None:
        session.close()


def _own_name(connection: socket.socket) -> str:
    name = socket.gethostname()
    if "." in name and name.isascii():
        return name
    ip = connection.getsockname()[0]
    return f"[IPv6:{ip}]" if ":" in ip else f"[{ip}]"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
