"""DKIM signatures, relaxed/relaxed, with RSA or Ed25519 keys.

Source: RFC 6376 (DKIM), RFC 8301 (keys and hashes), RFC 8463 (Ed25519).
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from nurture.domain.errors import ConfigurationError
from nurture.mail.mime import Wire

SIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"mime-version",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-id",
    b"feedback-id",
)
MIN_RSA_BITS = 1024
"""Source: RFC 8301, 3.2."""

_BLANKS = re.compile(rb"[ \t]+")
_FOLDS = re.compile(rb"\r\n(?=[ \t])")
_BLANKS_AT_END = re.compile(rb"[ \t]+\r\n")


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key and where its public half stands: `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @classmethod
    def load(cls, path: Path, domain: str, selector: str) -> Self:
        """Read a PEM file.

        Raises:
            ConfigurationError: it cannot be read, or holds another kind of key or too short a one.
        """
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(f"The DKIM key {path} cannot be read: {error}") from None
        if isinstance(key, Ed25519PrivateKey):
            return cls(domain, selector, key)
        if isinstance(key, RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
            return cls(domain, selector, key)
        raise ConfigurationError(
            f"The DKIM key {path} must be Ed25519, or RSA of at least {MIN_RSA_BITS} bits."
        )

    def sign(self, message: Wire) -> Wire:
        """The message with a DKIM-Signature in front."""
        head, _, body = message.partition(b"\r\n\r\n")
        present = dict(_fields(head))
        names = [name for name in SIGNED if name in present]
        # From is listed once more than it occurs: a second one, added on the way, breaks the signature.
        tags = self._tags(b":".join([*names, b"from"]), _body_hash(body))
        signed = b"".join(name + b":" + present[name] + b"\r\n" for name in names)
        signature = self._signature(signed + b"dkim-signature:" + tags)
        folded = tags.replace(b"; ", b";\r\n ")
        return Wire(b"DKIM-Signature: " + folded + _wrapped(signature) + b"\r\n" + message)

    def _tags(self, names: bytes, body_hash: bytes) -> bytes:
        algorithm = b"ed25519-sha256" if isinstance(self.key, Ed25519PrivateKey) else b"rsa-sha256"
        where = f"d={self.domain}; s={self.selector};".encode()
        return (
            b"v=1; a="
            + algorithm
            + b"; c=relaxed/relaxed; "
            + where
            + b" h="
            + names
            + b"; bh="
            + body_hash
            + b"; b="
        )

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return base64.b64encode(self.key.sign(hashlib.sha256(data).digest()))
        return base64.b64encode(self.key.sign(data, padding.PKCS1v15(), SHA256()))


def _fields(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each header field as its lower-case name and its relaxed value."""
    for line in _FOLDS.sub(b"", head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        yield name.strip().lower(), _BLANKS.sub(b" ", value).strip()


def _body_hash(body: bytes) -> bytes:
    relaxed = _BLANKS.sub(b" ", _BLANKS_AT_END.sub(b"\r\n", body + b"\r\n")).rstrip(b"\r\n")
    return base64.b64encode(hashlib.sha256(relaxed + b"\r\n" if relaxed else b"").digest())


def _wrapped(signature: bytes) -> bytes:
    return b"".join(b"\r\n " + signature[start : start + 72] for start in range(0, len(signature), 72))
