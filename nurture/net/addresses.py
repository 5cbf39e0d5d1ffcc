"""E-mail addresses in one spelling, so that one person is one lead."""

import hashlib
import hmac
import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email

from nurture.domain.errors import AddressError

MAX_LENGTH = 254
"""Source: RFC 5321, 4.5.3.1.3, less the angle brackets."""


def normalise(text: str) -> str:
    """The one spelling of an address: NFC, lower case, its domain as an A-label.

    The local part is lower-cased too: no provider that matters tells `Ana@` from `ana@`, and a list
    that does mails people twice.

    Raises:
        AddressError: it is not an address that mail can be sent to; nothing is asked of the network.
    """
    candidate = unicodedata.normalize("NFC", text.strip())
    try:
        found = validate_email(candidate[: MAX_LENGTH + 1], check_deliverability=False, strict=True)
        domain = found.ascii_domain.lower()
    except (EmailNotValidError, idna.IDNAError, UnicodeError) as fault:
        raise AddressError(f'"{candidate[:80]}" is not an e-mail address: {fault}') from fault
    address = f"{found.local_part.lower()}@{domain}"
    if len(address) > MAX_LENGTH:
        raise AddressError(f'"{candidate[:80]}…" is longer than the {MAX_LENGTH} characters of an address.')
    return address


def domain_of(address: str) -> str:
    """What stands behind the last @."""
    return address.rpartition("@")[2]


def address_hash(key: bytes, address: str) -> str:
    """By what the address of an erased person is recognised: an HMAC under a key that never rotates."""
    return hmac.new(key, address.encode(), hashlib.sha256).hexdigest()
