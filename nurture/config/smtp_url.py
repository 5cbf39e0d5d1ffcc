"""The address of an SMTP server, as one setting writes it."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
OPTIONS = frozenset({"starttls", "ca"})


class Security(StrEnum):
    """How a connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over, and as whom; `ca_file` replaces the system's authorities."""

    host: str
    port: int
    security: Security
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Reads `smtp://user:password@host:587?starttls=required` or `smtps://user:password@host:465`.

        STARTTLS is required unless the server is this machine or `starttls=never` says otherwise; a server
        that then does not offer it is not spoken to.

        Raises:
            ValueError: the URL is malformed; the message tells how to write it.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("it must begin with smtp:// or smtps:// and name a host")
        if parts.path not in ("", "/") or parts.fragment:
            raise ValueError("nothing may follow the host and port but options after a question mark")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if unknown := sorted(options.keys() - OPTIONS):
            raise ValueError(f"{unknown[0]} is not an option; there are {' and '.join(sorted(OPTIONS))}")
        security = _security(parts, options.get("starttls"))
        username, password = unquote(parts.username or ""), unquote(parts.password or "")
        if username and security is Security.NONE and parts.hostname not in LOOPBACK:
            raise ValueError("a password may not travel unprotected: use smtps:// or starttls=required")
        port = parts.port or (465 if security is Security.TLS else 587 if username else 25)
        ca_file = Path(options["ca"]) if "ca" in options else None
        return cls(parts.hostname, port, security, username, password, ca_file)


def _security(parts: SplitResult, starttls: str | None) -> Security:
    if parts.scheme == "smtps":
        if starttls is not None:
            raise ValueError("smtps:// is protected from the first byte and takes no starttls")
        return Security.TLS
    match starttls:
        case "required":
            return Security.STARTTLS
        case "never":
            return Security.NONE
        case None:
            return Security.NONE if parts.hostname in LOOPBACK else Security.STARTTLS
        case _:
            raise ValueError("starttls is either required or never")
