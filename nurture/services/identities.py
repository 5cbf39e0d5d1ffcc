"""Whom mails are from, once the settings have had their say."""

from dataclasses import dataclass
from email.utils import parseaddr

from nurture.config import Settings
from nurture.domain.definition.organisation import DEFAULT_IDENTITY, Organisation
from nurture.domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class Writer:
    """A sender: name, address, postal address, and where answers go if not to us."""

    name: str
    email: str
    postal_address: str = ""
    reply_to: str = ""


def writer_of(organisation: Organisation, settings: Settings, slug: str) -> Writer:
    """The identity called `slug`; NURTURE_FROM and NURTURE_POSTAL_ADDRESS take the place of the default's.

    Raises:
        NotFound: there is no such identity.
    """
    identity = organisation.identity(slug)
    if slug != DEFAULT_IDENTITY and identity is not None:
        return Writer(identity.name, identity.email, identity.postal_address, identity.reply_to or "")
    name, email = parseaddr(settings.from_address or "")
    if identity is not None:
        name, email = (name, email) if email else (identity.name, identity.email)
    if slug != DEFAULT_IDENTITY or not email:
        raise NotFound(
            f'There is no identity "{slug}" to write as. Add it to organisation.yaml'
            + (", or set NURTURE_FROM." if slug == DEFAULT_IDENTITY else ".")
        )
    postal = settings.postal_address or (identity.postal_address if identity else "")
    return Writer(name or organisation.name, email, postal, (identity.reply_to if identity else None) or "")
