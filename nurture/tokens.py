"""Tokens in links and addresses: whose click, reply or unsubscribe it is, signed, without a look-up.

A token is `key id (1 byte) · payload · MAC (11 bytes)`. The MAC covers the purpose too, so a token out of a
click cannot open somebody's preferences. The key id lets old links verify for ever after the signing key
has been changed. Links carry base64url, the local parts of addresses lower-case base32, because mail
servers fold case.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from nurture.domain.errors import ConfigurationError, InvalidToken

MAC_BYTES = 11
ID_BYTES = 8
MAX_ID = 2**63 - 1
MAX_TOKEN_LENGTH = 512
MIN_SECRET_LENGTH = 32


class Purpose(StrEnum):
    """What a token is good for; a token for one purpose is worthless for every other."""

    HIT = "hit"
    PREFERENCES = "preferences"
    VIEW = "view"
    REPLY = "reply"
    BOUNCE = "bounce"
    UNSUBSCRIBE = "unsubscribe"
    OPT_IN = "opt_in"


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """A ring of keys: one signs, all verify."""

    signing_id: int
    secrets: Mapping[int, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `id:key,id:key`; ids are whole numbers up to 255, and the first key signs.

        Raises:
            ConfigurationError: an id or key is malformed, repeated or too short.
        """
        secrets: dict[int, bytes] = {}
        for entry in text.split(","):
            key_id, secret = _parse_entry(entry.strip())
            if key_id in secrets:
                raise ConfigurationError(
                    f"NURTURE_LINK_KEYS gives the id {key_id} twice. Give every key an id of its own."
                )
            secrets[key_id] = secret
        return cls(next(iter(secrets)), MappingProxyType(secrets))


@dataclass(frozen=True, slots=True)
class PreferencesClaim:
    """Whose preferences a token opens, and for which scope (a topic, or everything)."""

    lead_id: int
    scope: str


def sign(keys: LinkKeys, purpose: Purpose, payload: bytes) -> str:
    """A base64url token (without padding) that carries `payload`, readable by all, changeable by none."""
    return _to_base64(_seal(keys, purpose, payload))


def verify(keys: LinkKeys, purpose: Purpose, token: str) -> bytes:
    """The payload of a token that `sign` made for this purpose with a key of the ring.

    Raises:
        InvalidToken: it is anything else; the message does not say why.
    """
    return _open(keys, purpose, _from_base64(token))


def message_token(keys: LinkKeys, purpose: Purpose, message_id: int) -> str:
    """A token of 27 characters that names a message."""
    return sign(keys, purpose, message_id.to_bytes(ID_BYTES))


def verify_message(keys: LinkKeys, purpose: Purpose, token: str) -> int:
    """The id of the message that a token of `message_token` names.

    Raises:
        InvalidToken: we did not issue it for this purpose.
    """
    return _id(verify(keys, purpose, token))


def address_token(keys: LinkKeys, purpose: Purpose, message_id: int) -> str:
    """A token of 32 lower-case letters and digits that names a message in the local part of an address."""
    return base64.b32encode(_seal(keys, purpose, message_id.to_bytes(ID_BYTES))).decode().lower()


def verify_address(keys: LinkKeys, purpose: Purpose, token: str) -> int:
    """The id of the message that a token of `address_token` names, in whatever case it came back.

    Raises:
        InvalidToken: we did not issue it for this purpose.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise _invalid()
    try:
        sealed = base64.b32decode(token, casefold=True)
    except ValueError:
        raise _invalid() from None
    return _id(_open(keys, purpose, sealed))


def preferences_token(keys: LinkKeys, lead_id: int, scope: str) -> str:
    """A token that opens one lead's preferences, with `scope` chosen beforehand."""
    return sign(keys, Purpose.PREFERENCES, lead_id.to_bytes(ID_BYTES) + scope.encode())


def verify_preferences(keys: LinkKeys, token: str) -> PreferencesClaim:
    """What a token of `preferences_token` opens.

    Raises:
        InvalidToken: we did not issue it.
    """
    payload = verify(keys, Purpose.PREFERENCES, token)
    try:
        return PreferencesClaim(_id(payload[:ID_BYTES]), payload[ID_BYTES:].decode())
    except UnicodeDecodeError:
        raise _invalid() from None


def _seal(keys: LinkKeys, purpose: Purpose, payload: bytes) -> bytes:
    body = bytes((keys.signing_id,)) + payload
    return body + _mac(keys.secrets[keys.signing_id], purpose, body)


def _open(keys: LinkKeys, purpose: Purpose, sealed: bytes) -> bytes:
    if len(sealed) <= MAC_BYTES:
        raise _invalid()
    body, mac = sealed[:-MAC_BYTES], sealed[-MAC_BYTES:]
    secret = keys.secrets.get(body[0])
    if secret is None or not hmac.compare_digest(mac, _mac(secret, purpose, body)):
        raise _invalid()
    return body[1:]


def _mac(secret: bytes, purpose: Purpose, body: bytes) -> bytes:
    return hmac.digest(secret, purpose.encode() + b"\0" + body, "sha256")[:MAC_BYTES]


def _to_base64(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _from_base64(token: str) -> bytes:
    if len(token) > MAX_TOKEN_LENGTH:
        raise _invalid()
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise _invalid() from None
    # The decoder overlooks foreign characters and spare bits; there must be one spelling of each token.
    if _to_base64(sealed) != token:
        raise _invalid()
    return sealed


def _id(payload: bytes) -> int:
    """A row's id; larger ones than a database can have are nobody's."""
    value = int.from_bytes(payload)
    if len(payload) != ID_BYTES or value > MAX_ID:
        raise _invalid()
    return value


def _parse_entry(entry: str) -> tuple[int, bytes]:
    key_id, colon, secret = entry.partition(":")
    if not colon or not (key_id.isascii() and key_id.isdigit()) or int(key_id) > 255:
        raise ConfigurationError(
            f'A key in NURTURE_LINK_KEYS begins with "{key_id[:8] if colon else "…"}", not with an id and '
            "a colon. Write id:key,id:key with ids up to 255, for example 1:mJv…"
        )
    if len(secret) < MIN_SECRET_LENGTH:
        raise ConfigurationError(
            f"Key {key_id} in NURTURE_LINK_KEYS has {len(secret)} characters. "
            f"Use at least {MIN_SECRET_LENGTH} random ones."
        )
    return int(key_id), secret.encode()


def _invalid() -> InvalidToken:
    return InvalidToken("This token was not issued here for this purpose.")
