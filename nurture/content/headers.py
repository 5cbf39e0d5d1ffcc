"""What may stand in a header: text that cannot end the line, begin another, or be decoded into more.

Python 3.11.7 turns `=?utf-8?q?Hi=0D=0ABcc:_v@x?=` in a subject into a real Bcc line (CVE-2024-6923), so
encoded words are decoded here before the controls are removed, and none is left to be decoded later.
"""

import base64
import binascii
import quopri
import re

import idna

from nurture.domain.errors import AddressError, HeaderError

MAX_HEADER = 900
MAX_NAME = 100

_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9*_.-]{1,40})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")
# C0 and C1 controls, separators of lines and paragraphs, bidirectional marks, surrogates, non-characters.
_UNWANTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]+"
)
_LOCAL = re.compile(r"[^\s\x00-\x20\x7f-\x9f\"(),:;<>@\[\]\\\u2028\u2029\ud800-\udfff]+")


def clean_header(text: str, limit: int = MAX_HEADER) -> str:
    """One line of plain text, at most `limit` bytes of UTF-8: encoded words decoded, controls gone.

    Source: RFC 2047 (encoded words), RFC 5322 2.1.1 (998 characters to a line).
    """
    plain = text.isascii() and text.isprintable() and "=?" not in text
    if plain and len(text) <= limit and text == " ".join(text.split()):
        return text
    # What decoding brings forth may be an encoded word again; each round makes the text shorter.
    text = text[: 8 * limit]
    while (decoded := _decoded(text)) != text:
        text = decoded
    text = " ".join(_UNWANTED.sub(" ", text).split())
    # Whatever looks like the start of an encoded word is taken apart, so that nobody decodes it later.
    while "=?" in text:
        text = text.replace("=?", "= ?")
    return _cut(text, limit)


def clean_address(address: str) -> str:
    """An address as it stands in a header or envelope, its domain in ASCII.

    Raises:
        AddressError: it is no plain address.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or _LOCAL.fullmatch(local) is None or len(address) > 320:
        raise AddressError(f'"{clean_header(address, 80)}" is not an address that can be written to.')
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        ascii_domain = ""
    if re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", ascii_domain) is None:
        raise AddressError(f'"{clean_header(address, 80)}" has no domain that can be written to.')
    return f"{local}@{ascii_domain.lower()}"


def checked_url(url: str) -> str:
    """An address of ours, as it stands in a header between angle brackets.

    Raises:
        HeaderError: it would break the header.
    """
    if re.fullmatch(r"(?:https?://|mailto:)[!-;=?-~]{1,600}", url) is None:
        raise HeaderError(f'"{clean_header(url, 80)}" cannot stand in a header. Check NURTURE_BASE_URL.')
    return url


def _decoded(text: str) -> str:
    return _ENCODED_WORD.sub(_word, _BETWEEN_WORDS.sub(r"\1", text))


def _word(match: re.Match[str]) -> str:
    charset, encoding, payload = match[1].split("*")[0], match[2].lower(), match[3]
    raw = payload.encode("utf-8", "replace")
    try:
        data = (
            base64.b64decode(raw + b"=" * (-len(raw) % 4))
            if encoding == "b"
            else quopri.decodestring(raw, True)
        )
        return data.decode(charset, "replace")
    except (LookupError, binascii.Error, ValueError):
        # Not decodable by us, so that nobody else shall try.
        return payload


def _cut(text: str, limit: int) -> str:
    raw = text.encode()
    return text if len(raw) <= limit else raw[: limit - 3].decode(errors="ignore").rstrip() + "…"
