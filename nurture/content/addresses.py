"""What an address in a link may be: complete, plain and to a host that is fixed when the mail is written."""

import re
from urllib.parse import urlsplit

OTHER_SCHEMES = ("mailto:", "tel:", "sms:")
"""Schemes that are linked to and never tracked."""

MAX_LENGTH = 8000

_FIXED_HOST = re.compile(r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?[/?#]", re.I)
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~%]+", re.I)


def fault_of(address: str) -> str | None:
    """Why a constant web address cannot be linked to, or `None`."""
    if _PLAIN.fullmatch(address) is None:
        return "It holds characters that addresses do not. Write them as %20, and hosts in their xn-- form."
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "It is no address. Write it complete, from https:// on."
    if parts.scheme not in ("http", "https") or not address.lower().startswith(f"{parts.scheme}://"):
        return "Write the address complete, from https:// on."
    if not host or "@" in parts.netloc:
        return "It names no plain host. Write it complete, from https:// on."
    return None


def has_fixed_host(prefix: str) -> bool:
    """Whether the text before the first value of an address settles its scheme and host."""
    return _FIXED_HOST.match(prefix) is not None


def is_safe(address: str) -> bool:
    """Whether a finished address, values and all, may be linked to."""
    return len(address) <= MAX_LENGTH and fault_of(address) is None
