"""Which transport the settings ask for."""

from collections.abc import Callable

from nurture.config import MailerKind, Settings
from nurture.domain.errors import ConfigurationError
from nurture.domain.letter import Letter
from nurture.mail.dkim import DkimKey
from nurture.mail.mailer import Mailer
from nurture.mail.outbox import OutboxMailer
from nurture.mail.smtp import SmtpMailer


def make_mailer(settings: Settings, keep: Callable[[Letter, bytes], None]) -> Mailer:
    """The transport of `NURTURE_MAIL`; `keep` stores what the built-in outbox is given.

    Raises:
        ConfigurationError: it cannot be used as it is configured.
    """
    match settings.mail:
        case MailerKind.OUTBOX:
            return OutboxMailer(keep)
        case MailerKind.SMTP if settings.smtp_server is not None:
            return SmtpMailer(settings.smtp_server, _dkim_key(settings))
        case _:
            raise ConfigurationError(
                f'NURTURE_MAIL is "{settings.mail}", which cannot send yet. Use smtp with NURTURE_SMTP_URL '
                "(SendGrid offers smtp.sendgrid.net), or outbox."
            )


def _dkim_key(settings: Settings) -> DkimKey | None:
    if settings.dkim_key_file is None or settings.signing_domain is None:
        return None
    return DkimKey.load(settings.dkim_key_file, settings.signing_domain, settings.dkim_selector)
