"""A small mail server that misbehaves on demand and remembers what it accepted."""

import contextlib
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Behaviour:
    """What the server offers and where it goes wrong.

    `replies` maps a verb (`EHLO`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `DOT`, `RSET`, or `BANNER`) to what is
    answered instead. `drop` names a verb at which the connection is cut without a word; `MID_DATA` cuts
    after the first content, `DOT` accepts the message and then cuts. `silent` names one that is never
    answered. `slow_seconds` is how long a message takes to be accepted; `on_content` is called when it has
    come in whole and is not answered yet.
    """

    offers: tuple[str, ...] = ("PIPELINING", "SIZE 10000000", "8BITMIME")
    replies: dict[str, str] = field(default_factory=dict)
    drop: str = ""
    silent: str = ""
    certificate: Path | None = None
    tls_at_once: bool = False
    chatty_after_starttls: bool = False
    password: str = ""
    slow_seconds: float = 0.0
    messages_per_connection: int = 0
    on_content: Callable[[], None] | None = None


@dataclass(frozen=True)
class Accepted:
    """One message that was answered with 250, or would have been."""

    sender: str
    recipient: str
    content: bytes

    @property
    def mid(self) -> str:
        """The local part of its Message-ID."""
        _, _, rest = self.content.partition(b"Message-ID: <")
        return rest.partition(b"@")[0].decode()


class Hangup(Exception):
    """The connection ends here."""


class MailServer:
    """Listens on a free port of this machine while the `with` block lasts."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self.accepted: list[Accepted] = []
        self.connections = 0
        self.commands: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._mutex = threading.Lock()
        self._closing = False

    def __enter__(self) -> Self:
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        # A connection of our own wakes the listener, whose blocking accept outlives its socket's end.
        with socket.create_connection(("127.0.0.1", self.port)):
            self._listening.join()
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Cut every connection, as a restart of the server does."""
        with self._mutex:
            for connection in self._open:
                _cut(connection)

    def times_accepted(self) -> Counter[str]:
        """How often each message, by its public name, was accepted."""
        with self._mutex:
            return Counter(message.mid for message in self.accepted)

    def _listen(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._mutex:
            self.connections += 1
            self._open.add(connection)
        conversation = Conversation(self, connection)
        with contextlib.suppress(Hangup, OSError):
            conversation.hold()
        with self._mutex:
            self._open.discard(connection)
        conversation.end()

    def keep(self, message: Accepted) -> None:
        """Remember a message as accepted."""
        with self._mutex:
            self.accepted.append(message)


class Conversation:
    """One client's dialogue."""

    def __init__(self, server: MailServer, connection: socket.socket) -> None:
        self._server = server
        self._behaviour = server.behaviour
        self._socket = connection
        self._received = b""
        self._sender = self._recipient = ""
        self._taken = 0

    def hold(self) -> None:
        """Talk until the client leaves or the behaviour says to."""
        if self._behaviour.tls_at_once:
            self._protect()
        self._answer("BANNER", "220 test.example ESMTP")
        while True:
            line = self._line().decode("utf-8", "replace")
            self._server.commands.append(line)
            self._obey(line.split(" ")[0].split(":")[0].upper(), line)

    def end(self) -> None:
        """Close the connection, protected or not."""
        _cut(self._socket)
        self._socket.close()

    def _obey(self, verb: str, line: str) -> None:
        match verb:
            case "EHLO":
                lines = ["test.example", *self._behaviour.offers]
                marks = ["-"] * (len(lines) - 1) + [" "]
                text = "\r\n".join(f"250{mark}{offer}" for mark, offer in zip(marks, lines, strict=True))
                self._answer(verb, text)
            case "STARTTLS":
                self._answer(
                    verb, "220 go" + ("\r\n250 eve" if self._behaviour.chatty_after_starttls else "")
                )
                self._protect()
            case "AUTH":
                self._log_in(line)
            case "MAIL":
                self._sender = line.partition("<")[2].partition(">")[0]
                self._answer(verb, "250 ok")
            case "RCPT":
                self._recipient = line.partition("<")[2].partition(">")[0]
                self._answer(verb, "250 ok")
            case "DATA":
                self._data()
            case "RSET":
                self._answer(verb, "250 forgotten")
            case "QUIT":
                self._say("221 bye")
                raise Hangup
            case _:
                self._say("502 what?")

    def _log_in(self, line: str) -> None:
        if line.upper().startswith("AUTH LOGIN"):
            self._say("334 VXNlcm5hbWU6")
            self._line()
            self._say("334 UGFzc3dvcmQ6")
            given = self._line().decode()
        else:
            given = line.split(" ")[2]
        right = given == self._behaviour.password
        self._answer("AUTH", "235 welcome" if right else "535 5.7.8 wrong")

    def _data(self) -> None:
        if not self._answer("DATA", "354 go on").startswith("354"):
            return
        content = bytearray()
        while (line := self._line()) != b".":
            content += (line[1:] if line.startswith(b".") else line) + b"\r\n"
            if self._behaviour.drop == "MID_DATA":
                raise Hangup
        time.sleep(self._behaviour.slow_seconds)
        if self._behaviour.on_content is not None:
            self._behaviour.on_content()
        if self._behaviour.replies.get("DOT", "250").startswith("250"):
            self._server.keep(Accepted(self._sender, self._recipient, bytes(content)))
        self._taken += 1
        self._answer("DOT", "250 2.0.0 queued as 1")
        if self._taken == self._behaviour.messages_per_connection:
            raise Hangup

    def _answer(self, verb: str, usual: str) -> str:
        if self._behaviour.drop == verb:
            raise Hangup
        while self._behaviour.silent == verb and not self._server._closing:
            time.sleep(0.02)
        reply = self._behaviour.replies.get(verb, usual)
        self._say(reply)
        if reply.startswith("421"):
            raise Hangup
        return reply

    def _say(self, text: str) -> None:
        self._socket.sendall(f"{text}\r\n".encode())

    def _protect(self) -> None:
        assert self._behaviour.certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._behaviour.certificate)
        self._socket = context.wrap_socket(self._socket, server_side=True)

    def _line(self) -> bytes:
        while b"\r\n" not in self._received:
            chunk = self._socket.recv(65_536)
            if not chunk:
                raise Hangup
            self._received += chunk
        line, _, self._received = self._received.partition(b"\r\n")
        return line


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
