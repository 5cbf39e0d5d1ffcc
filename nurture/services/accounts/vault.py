"""What protects the secrets of the accounts: random tokens, keyed hashes, and encryption at rest."""

import base64
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from nurture.domain.errors import SecurityError
from nurture.services.runtime import Runtime

TOKEN_BYTES = 32
NONCE_BYTES = 12
VERSION = "v1."


def new_token() -> str:
    """256 random bits, fit for an address or a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What is kept of a token; its 256 bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def keyed_hash(runtime: Runtime, purpose: str, text: str) -> str:
    """What is kept of something short: worthless to whoever has the database and not the key."""
    return hmac.digest(_key(runtime, purpose), text.encode("utf-8", "surrogatepass"), "sha256").hex()


def encrypt(runtime: Runtime, purpose: str, secret: str, bound_to: str) -> str:
    """Seal a secret for the database; it opens only for the same purpose and the same `bound_to`."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(_key(runtime, purpose)).encrypt(nonce, secret.encode(), bound_to.encode())
    return VERSION + base64.b64encode(nonce + sealed).decode()


def decrypt(runtime: Runtime, purpose: str, sealed: str, bound_to: str) -> str:
    """Open what `encrypt` sealed.

    Raises:
        SecurityError: it was sealed with another key or for something else.
    """
    raw = base64.b64decode(sealed.removeprefix(VERSION))
    try:
        opened = AESGCM(_key(runtime, purpose)).decrypt(
            raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode()
        )
    except InvalidTag:
        raise SecurityError(
            "A secret in the database was sealed with another NURTURE_SECRET_KEY. Set that key again, "
            "or have the second factor set up anew."
        ) from None
    return opened.decode()


def _key(runtime: Runtime, purpose: str) -> bytes:
    return hmac.digest(runtime.settings.session_secret(), f"accounts {purpose}".encode(), "sha256")
