"""Every setting: its name, type, default and meaning. `docs/settings.md` is generated from this class.

The field `rate` is read from `NURTURE_RATE`. An empty value counts as not set.
"""

from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from nurture.config.smtp_url import LOOPBACK, SmtpServer
from nurture.config.values import (
    BaseUrl,
    DatabaseUrl,
    Doc,
    Domain,
    Lines,
    LogFormat,
    LogLevel,
    LongSecret,
    MailerKind,
    Rate,
    Sender,
    SmtpUrl,
    Words,
    Zone,
)
from nurture.domain.errors import ConfigurationError

PLACE = "Where things are"
KEYS = "Keys"
MAIL = "How mail leaves"
SENDER = "Who mail is from"
PACE = "How fast"
TRACKING = "Tracking"
WEB = "The web server"
LOG = "The log"


class Settings(BaseModel):
    """The settings of one installation, checked; `warnings` says what is allowed but unwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    var: Annotated[
        Path,
        Doc(PLACE, "The directory for everything that Nurture writes: database, kept mails, spool, keys."),
    ] = Path("var")
    database_url: Annotated[
        DatabaseUrl,
        Doc(
            PLACE,
            "The database: a SQLite file or a PostgreSQL database.",
            example="postgresql://nurture:secret@db.example.com/nurture",
            default="`nurture.db` below `NURTURE_VAR`",
        ),
    ] = Field(default="", repr=False)
    campaigns_dir: Annotated[
        Path, Doc(PLACE, "The directory of campaign files, `scoring.yaml`, `lifecycle.yaml` and the like.")
    ] = Path("campaigns")
    templates_dir: Annotated[Path, Doc(PLACE, "The directory of e-mail templates.")] = Path("email_templates")
    zone: Annotated[
        Zone,
        Doc(PLACE, "The time zone of leads for whom nothing nearer is known.", example="Europe/Lisbon"),
    ] = "UTC"

    secret_key: Annotated[
        LongSecret | None,
        Doc(
            KEYS,
            "At least 32 random characters; protects sessions and forms. Changing it signs everybody out.",
            default="made by `nurture init` and kept in `instance.env` below `NURTURE_VAR`",
        ),
    ] = None
    link_keys: Annotated[
        SecretStr | None,
        Doc(
            KEYS,
            "The keys that sign links in mails, as `id:key,id:key` with ids from 1 to 255: the first signs, "
            "all verify. To change the key, put a new one with a new id in front, and keep the old ones for "
            "the mails they signed.",
            example="2:newer-key-of-32-characters-or-more,1:older-key-of-32-characters-or-more",
            default="as above; derived from `NURTURE_SECRET_KEY` where that is set and this is not",
        ),
    ] = None
    suppression_key: Annotated[
        LongSecret | None,
        Doc(
            KEYS,
            "At least 32 random characters; recognises the addresses of erased people, so that they are "
            "never mailed again. It must never change.",
            default="as above",
        ),
    ] = None

    mail: Annotated[
        MailerKind,
        Doc(
            MAIL,
            "`outbox` keeps mails, shows them in the app and sends none; `smtp` sends. `sendgrid` comes "
            "later: use its SMTP relay so far.",
        ),
    ] = MailerKind.OUTBOX
    smtp_url: Annotated[
        SmtpUrl | None,
        Doc(
            MAIL,
            "The mail server; `smtps://` for TLS from the first byte. `smtp://` insists on STARTTLS unless "
            "the server is this machine or `?starttls=never` is added; `?ca=FILE` trusts an authority of "
            "your own. Write special characters of the password as `%40` and so on.",
            example="smtp://user:password@mail.example.com:587?starttls=required",
        ),
    ] = None
    sendgrid_api_key: Annotated[
        SecretStr | None, Doc(MAIL, "A SendGrid API key with the right Mail Send.")
    ] = None
    sendgrid_base_url: Annotated[
        BaseUrl, Doc(MAIL, "SendGrid's address; another one for the European region.")
    ] = "https://api.sendgrid.com"
    dkim_key_file: Annotated[
        Path | None, Doc(MAIL, "A private key (PEM; RSA or Ed25519) that signs mails sent by SMTP.")
    ] = None
    dkim_selector: Annotated[str, Doc(MAIL, "The selector under which the public key stands in DNS.")] = ""
    dkim_domain: Annotated[
        Domain | None, Doc(MAIL, "The domain that signs.", default="the domain of `NURTURE_FROM`")
    ] = None

    from_address: Annotated[
        Sender | None,
        Doc(
            SENDER,
            "Who mails of the default identity are from, in place of what `organisation.yaml` says.",
            example="Ana Reis <ana@example.com>",
        ),
    ] = None
    postal_address: Annotated[
        Lines,
        Doc(
            SENDER,
            "Your postal address, which marketing mails must show; `\\n` begins a new line.",
            example="Example Ltd\\n1 High Street\\nLisbon",
        ),
    ] = ""
    reply_domain: Annotated[
        Domain | None,
        Doc(
            SENDER,
            "The domain of reply addresses: replies then go to `reply+…@` it, and their address tells which "
            "mail they answer. Reading that mailbox is up to you so far.",
            default="replies go to the sender",
        ),
    ] = None
    bounce_domain: Annotated[
        Domain | None,
        Doc(
            SENDER,
            "The domain that bounces go to, as `bounce+…@` it (SMTP only).",
            default="bounces go to the sender",
        ),
    ] = None

    rate: Annotated[
        Rate | None, Doc(PACE, "The most messages a second.", example="20", default="no limit")
    ] = None
    first_rate: Annotated[
        Rate | None,
        Doc(PACE, "The same for a new installation's first hour.", example="1", default="no limit"),
    ] = None
    in_doubt_max: Annotated[
        int,
        Doc(PACE, "The most messages in the mailer's hands at a time: what a crash may leave in doubt."),
    ] = Field(default=50, ge=1, le=10_000)

    track_opens: Annotated[bool, Doc(TRACKING, "Whether mails carry a pixel that reports opens.")] = True
    track_clicks: Annotated[bool, Doc(TRACKING, "Whether links in mails lead through Nurture.")] = True

    base_url: Annotated[
        BaseUrl,
        Doc(
            WEB,
            "The address under which people reach this installation; every link in a mail begins with it.",
            example="https://nurture.example.com",
        ),
    ] = "http://127.0.0.1:8000"
    trusted_hosts: Annotated[
        Words,
        Doc(
            WEB,
            "Further host names that requests may be for, with commas between them.",
            default="only the host of `NURTURE_BASE_URL`",
        ),
    ] = ()
    trusted_proxies: Annotated[
        int,
        Doc(WEB, "How many reverse proxies of yours stand in front, each adding to `X-Forwarded-For`."),
    ] = Field(default=0, ge=0, le=10)

    log_format: Annotated[LogFormat, Doc(LOG, "`console` for people, `json` for machines.")] = (
        LogFormat.CONSOLE
    )
    log_level: Annotated[LogLevel, Doc(LOG, "`debug`, `info`, `warning` or `error`.")] = LogLevel.INFO

    warnings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.mail is MailerKind.SMTP and self.smtp_url is None:
            raise ValueError("NURTURE_MAIL is smtp, but NURTURE_SMTP_URL does not say which server.")
        if self.mail is MailerKind.SENDGRID and self.sendgrid_api_key is None:
            raise ValueError("NURTURE_MAIL is sendgrid, but NURTURE_SENDGRID_API_KEY is not set.")
        if self.dkim_key_file is None:
            return self
        if not self.dkim_key_file.is_file():
            raise ValueError(f"NURTURE_DKIM_KEY_FILE is {self.dkim_key_file}: there is no such file.")
        if not self.dkim_selector:
            raise ValueError("NURTURE_DKIM_KEY_FILE is set, but NURTURE_DKIM_SELECTOR is not.")
        if self.dkim_domain is None and self.from_address is None:
            raise ValueError(
                "NURTURE_DKIM_KEY_FILE is set, but neither NURTURE_DKIM_DOMAIN nor NURTURE_FROM is."
            )
        return self

    @property
    def smtp_server(self) -> SmtpServer | None:
        """The mail server, taken apart."""
        return None if self.smtp_url is None else SmtpServer.parse(self.smtp_url.get_secret_value())

    @property
    def signing_domain(self) -> str | None:
        """The domain that DKIM signs for: the one that is set, or that of the sender."""
        if self.dkim_domain is not None or self.from_address is None:
            return self.dkim_domain
        return parseaddr(self.from_address)[1].rpartition("@")[2]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host name that a request may be for; a loopback address also answers to its other names."""
        host = urlsplit(self.base_url).hostname or ""
        aliases = sorted(LOOPBACK - {host}) if host in LOOPBACK else []
        return (host, *aliases, *self.trusted_hosts)

    @property
    def is_https(self) -> bool:
        """Whether browsers reach us protected, so that cookies can insist on it."""
        return self.base_url.startswith("https://")

    def session_secret(self) -> bytes:
        """32 bytes that protect sessions and forms.

        Raises:
            ConfigurationError: there is no secret key yet.
        """
        return self._derived("sessions")

    def link_ring(self) -> str:
        """The keys of links, as `id:key,id:key`; the first signs.

        The key that is derived from the secret key has the id 0. It signs where no others are set, and
        otherwise still verifies what it signed before they were.

        Raises:
            ConfigurationError: there is neither a link key nor a secret key yet.
        """
        rings = [] if self.link_keys is None else [self.link_keys.get_secret_value()]
        if self.secret_key is not None or not rings:
            rings.append(f"0:{self._derived('links').hex()}")
        return ",".join(rings)

    def suppression_secret(self) -> bytes:
        """The key under which erased addresses are recognised.

        Raises:
            ConfigurationError: there is neither a suppression key nor a secret key yet.
        """
        if self.suppression_key is not None:
            return self.suppression_key.get_secret_value().encode()
        return self._derived("suppression")

    def _derived(self, purpose: str) -> bytes:
        if self.secret_key is None:
            raise ConfigurationError(
                "NURTURE_SECRET_KEY is not set. Run `nurture init`, which makes one, or set it to at least "
                "32 random characters."
            )
        hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"nurture {purpose}".encode())
        return hkdf.derive(self.secret_key.get_secret_value().encode())
