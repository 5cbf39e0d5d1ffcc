"""Signatures that an independent verifier accepts, and rejects once anything signed is changed."""

import base64
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from nurture.domain.errors import ConfigurationError
from nurture.mail.dkim import SIGNED, DkimKey
from nurture.mail.mime import build
from tests.mail.letters import letter

PLAIN_PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
KEYS = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ed25519": Ed25519PrivateKey.generate(),
}


def saved(key: RSAPrivateKey | Ed25519PrivateKey, path: Path) -> DkimKey:
    """The key, after a round trip through its file."""
    path.write_bytes(key.private_bytes(*PLAIN_PEM))
    return DkimKey.load(path, "example.com", "s1")


def record(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    """What stands in DNS."""
    if isinstance(key, Ed25519PrivateKey):
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(public)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def verifies(message: bytes, kind: str) -> bool:
    def lookup(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s1._domainkey.example.com."
        return record(KEYS[kind])

    return bool(dkim.verify(message, dnsfunc=lookup))


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"subject": "Ünïcode " * 40, "html": "<p>  two   blanks \t </p>\n\n\n"},
        {"text": "", "html": ""},
        {"text": "\n\n\n", "html": ".\n"},
    ],
)
def test_an_independent_verifier_accepts_it(kind: str, changes: dict[str, str], tmp_path: Path) -> None:
    signed = saved(KEYS[kind], tmp_path / "key.pem").sign(build(letter(**changes)))

    assert verifies(signed, kind)
    assert all(len(line) <= 998 for line in signed.split(b"\r\n"))


@pytest.mark.parametrize("name", [name.decode() for name in SIGNED])
def test_every_header_that_must_be_covered_is_covered(name: str, tmp_path: Path) -> None:
    signed = saved(KEYS["ed25519"], tmp_path / "key.pem").sign(build(letter()))
    lines = signed.split(b"\r\n")
    at = next(i for i, line in enumerate(lines) if line.lower().startswith(f"{name}:".encode()))
    lines[at] += b"x"

    assert not verifies(b"\r\n".join(lines), "ed25519")


def test_a_second_from_or_another_body_breaks_it(tmp_path: Path) -> None:
    signed = saved(KEYS["ed25519"], tmp_path / "key.pem").sign(build(letter()))

    assert not verifies(signed.replace(b"\r\nTo: ", b"\r\nFrom: eve@example.com\r\nTo: "), "ed25519")
    assert not verifies(signed.replace(b"four numbers", b"five numbers"), "ed25519")


def test_unusable_keys_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("no key")
    with pytest.raises(ConfigurationError, match=r"key\.pem cannot be read"):
        DkimKey.load(path, "example.com", "s1")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        DkimKey.load(tmp_path / "none", "example.com", "s1")
    path.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(*PLAIN_PEM))
    with pytest.raises(ConfigurationError, match="must be Ed25519, or RSA"):
        DkimKey.load(path, "example.com", "s1")
