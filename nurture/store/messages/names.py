"""The public names of messages."""

import base64
import secrets


def new_mid() -> str:
    """A name that nobody can guess: 26 lower-case letters and digits, 128 random bits."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
