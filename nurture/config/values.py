"""What single settings may hold: a checker says what is wrong with a value, the loader names the setting."""

from dataclasses import dataclass
from email.utils import parseaddr
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import idna
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from nurture.config.smtp_url import SmtpServer

MIN_SECRET_LENGTH = 32


class MailerKind(StrEnum):
    """How mail leaves."""

    OUTBOX = "outbox"
    SMTP = "smtp"
    SENDGRID = "sendgrid"


class LogFormat(StrEnum):
    """For whom the log is written."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Doc:
    """What the reference says about a setting; `default` describes a default that is worked out."""

    group: str
    meaning: str
    example: str = ""
    default: str = ""


def _database_url(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    match scheme:
        case "sqlite" if separator:
            if rest in ("", "/") or ":memory:" in rest:
                raise ValueError("it must name a file: web and worker could not share a database in memory")
            return value
        case "postgres" | "postgresql" | "postgresql+psycopg" if separator:
            return f"postgresql+psycopg://{rest}"
        case _:
            raise ValueError("it must begin with sqlite:/// or postgresql://")


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must begin with http:// or https:// and name a host")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("nothing may follow the host and port")
    _ = parts.port  # Raises where the port is no number.
    return f"{parts.scheme}://{parts.netloc}"


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_SECRET_LENGTH:
        raise ValueError(f"it must have at least {MIN_SECRET_LENGTH} characters, made at random")
    return value


def _smtp_url(value: SecretStr) -> SecretStr:
    SmtpServer.parse(value.get_secret_value())
    return value


def _domain(value: str) -> str:
    try:
        domain = idna.encode(value, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("it is not a domain name") from None
    if "." not in domain and domain != "localhost":
        raise ValueError("it is not a full domain name")
    return domain


def _sender(value: str) -> str:
    if any(ord(character) < 32 for character in value):
        raise ValueError("it holds a control character")
    _, address = parseaddr(value)
    try:
        validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(f'it holds no e-mail address we could send from: "{address}" ({error})') from None
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):
        raise ValueError("it is not a zone of the IANA database") from None
    return value


def _lines(value: str) -> str:
    return value.replace("\\n", "\n")


def _words(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(word.strip() for word in value.split(",") if word.strip())


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
LongSecret = Annotated[SecretStr, AfterValidator(_long_enough)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp_url)]
Domain = Annotated[str, AfterValidator(_domain)]
Sender = Annotated[str, AfterValidator(_sender)]
Zone = Annotated[str, AfterValidator(_zone)]
Lines = Annotated[str, AfterValidator(_lines)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Rate = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
