"""Header values as they stand on the wire: encoded where they must be, folded, and never anybody else's."""

import base64
import re
from functools import lru_cache

import idna

from nurture.domain.errors import HeaderError, MessageRefused
from nurture.domain.letter import Mailbox

LINE_LIMIT = 998
"""Characters in a line without its CRLF.

Source: RFC 5322, 2.1.1.
"""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_DOT_ATOM = re.compile(
    r"[^\s()<>\[\]:;@\\,\".\x00-\x1f\x7f-\x9f]+(?:\.[^\s()<>\[\]:;@\\,\".\x00-\x1f\x7f-\x9f]+)*"
)
_DOMAIN = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")
_WORD_BYTES = 42
"""Bytes in one encoded-word: with its frame and base64 it stays below the 75 characters allowed."""

_NEVER_ENCODED = frozenset(
    {"list-unsubscribe", "list-unsubscribe-post", "list-help", "feedback-id", "in-reply-to", "references"}
)


def text(name: str, value: str) -> str:
    """An unstructured header line, such as the subject.

    A value that merely looks like an encoded-word is encoded, so that nobody decodes it into something
    else. Source: RFC 2047, 5 (1).

    Raises:
        HeaderError: it holds control characters, or it must not be encoded and is not ASCII.
    """
    _refuse_controls(name, value)
    line = f"{name}: {value}"
    if value.isascii() and "=?" not in value and len(line) <= LINE_LIMIT:
        return line
    if name.lower() in _NEVER_ENCODED:
        return _folded(name, value)
    return f"{name}: {_encoded_words(value)}"


def mailbox(name: str, value: Mailbox, *, utf8_offered: bool = False) -> str:
    """An address header line with a display name.

    Raises:
        HeaderError: the name holds control characters.
        MessageRefused: we cannot write to such an address.
    """
    spec = address(value.address, utf8_offered=utf8_offered)
    if not value.name:
        return f"{name}: {spec}"
    return f"{name}: {phrase(name, value.name)} <{spec}>"


def labelled(name: str, value: str) -> str:
    """A header line of the form `words <identifier>`, such as List-Id.

    Raises:
        HeaderError: control characters, or an identifier that is not ASCII.
    """
    words, bracket, identifier = value.rpartition("<")
    if not bracket or not words.strip():
        return text(name, value)
    if not identifier.isascii():
        raise HeaderError(f'{name} is "{value}": what stands in angle brackets must be ASCII.')
    _refuse_controls(name, identifier)
    return f"{name}: {phrase(name, words.strip())} <{identifier}"


def phrase(name: str, words: str) -> str:
    """A display name: plain, quoted or encoded, whatever it needs."""
    _refuse_controls(name, words)
    if not words.isascii() or "=?" in words or len(words) > 200:
        return _encoded_words(words)
    if _PHRASE.fullmatch(words) and words == words.strip():
        return words
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def address(value: str, *, utf8_offered: bool = False) -> str:
    """An address as it travels: the domain in A-labels, the local part as it is.

    Raises:
        MessageRefused: it is no address, or its local part needs SMTPUTF8, which the server does not offer.
    """
    spec = _wire_address(value)
    if spec is None:
        raise MessageRefused(f'"{value[:100]}" is not an address that mail can be sent to.')
    if not spec.isascii() and not utf8_offered:
        raise MessageRefused(
            f'"{value[:100]}" has letters outside ASCII before the @, and the server does not offer SMTPUTF8.'
        )
    return spec


def refuse_line(name: str, line: str) -> None:
    """Last look at one finished header field.

    Raises:
        HeaderError: a line of it is too long, or it is not one field.
    """
    if line.isascii() and line.isprintable() and len(line) <= LINE_LIMIT and line.startswith(f"{name}: "):
        return
    for number, part in enumerate(line.split("\r\n")):
        begins_well = part.startswith(f"{name}: ") if number == 0 else part.startswith(" ") and part.strip()
        if not begins_well or len(part.encode()) > LINE_LIMIT or _CONTROL.search(part):
            raise HeaderError(f'{name} would become "{line[:200]}", which is not one header field.')


@lru_cache(maxsize=4096)
def _wire_address(value: str) -> str | None:
    local, at, domain = value.rpartition("@")
    if not at or not _DOT_ATOM.fullmatch(local) or len(local.encode()) > 64:
        return None
    try:
        wire_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return None
    return f"{local}@{wire_domain}" if _DOMAIN.fullmatch(wire_domain) else None


def _refuse_controls(name: str, value: str) -> None:
    found = None if value.isascii() and value.isprintable() else _CONTROL.search(value)
    if found:
        raise HeaderError(
            f"{name} holds the control character {found.group()!r}. Take it out of {value[:80]!r}."
        )


def _folded(name: str, value: str) -> str:
    if not value.isascii():
        raise HeaderError(f'{name} is "{value[:80]}": it must be ASCII, because it must not be encoded.')
    lines, current = [], f"{name}:"
    for word in value.split(" "):
        if len(current) + 1 + len(word) > LINE_LIMIT and current.strip() not in ("", f"{name}:"):
            lines.append(current)
            current = ""
        current += f" {word}"
    return "\r\n".join([*lines, current])


def _encoded_words(value: str) -> str:
    """RFC 2047 words of whole characters, one a line."""
    pieces: list[bytes] = [b""]
    for character in value:
        encoded = character.encode("utf-8", "replace")
        if len(pieces[-1]) + len(encoded) > _WORD_BYTES:
            pieces.append(b"")
        pieces[-1] += encoded
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in pieces)
