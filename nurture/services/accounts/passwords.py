"""Passwords: what is accepted, how they are kept, and how they are checked without giving anything away."""

import secrets
import threading
import unicodedata
from datetime import timedelta

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from nurture.domain.errors import InputError, TooManyAttempts

MIN_LENGTH = 12
MAX_LENGTH = 128
MIN_DISTINCT = 5
MIN_REST = 8
"""What must be left of a password without its common words and rows of keys."""

_HASHER = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1, type=Type.ID)
"""Source: OWASP Password Storage Cheat Sheet, Argon2id (m=46 MiB, t=1, p=1)."""

_AT_ONCE = threading.BoundedSemaphore(2)
"""Hashing takes 46 MiB each; a flood of log-ins must not take the machine's memory."""

_WAIT_SECONDS = 10

_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "01234567890",
    "1q2w3e4r5t6y7u8i9o0p",
)
_PIECES = tuple(row[start : start + 4] for row in _ROWS for start in range(len(row) - 3))
_RUNS = (*_PIECES, *(piece[::-1] for piece in _PIECES))
_COMMON = (
    "password", "passwort", "letmein", "welcome", "iloveyou", "administrator", "changeme", "superman",
    "football", "baseball", "princess", "sunshine", "trustno1", "starwars", "whatever", "nurture",
)  # fmt: skip
_WORD_CHARACTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def generate_password() -> str:
    """A password of 100 random bits in groups that can be read out: `k7mq-…`."""
    groups = ("".join(secrets.choice(_WORD_CHARACTERS) for _ in range(4)) for _ in range(5))
    return "-".join(groups)


def check_strength(password: str, address: str) -> None:
    """Refuse what is guessed first.

    Raises:
        InputError: too short, too long, too even, or made of what everybody tries; says which.
        Source: OWASP ASVS 5.0, 6.2 (length 12 to 128, no composition rules, common ones refused).
    """
    folded = _normal(password).casefold()
    if len(folded) < MIN_LENGTH:
        raise InputError(f"The password has {len(folded)} characters. Use at least {MIN_LENGTH}.")
    if len(folded) > MAX_LENGTH:
        raise InputError(f"The password has {len(folded)} characters. Use at most {MAX_LENGTH}.")
    rest = folded
    for known in (address.casefold(), address.casefold().partition("@")[0], *_COMMON, *_RUNS):
        if len(known) >= 4:
            rest = rest.replace(known, "")
    if len(rest) < MIN_REST or len(set(folded)) < MIN_DISTINCT:
        raise InputError(
            "The password is made of what is guessed first (common words, rows of keys, your address). "
            "Use a few unrelated words."
        )


def hash_password(password: str) -> str:
    """What is kept of a password."""
    with _Turn():
        return _HASHER.hash(_normal(password))


def verify_password(kept: str | None, password: str) -> bool:
    """Whether `password` is the one that `kept` was made of; as slow where nothing is kept."""
    with _Turn():
        try:
            matches = _HASHER.verify(kept or _DUMMY, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return matches and kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with weaker settings than today's."""
    return _HASHER.check_needs_rehash(kept)


class _Turn:
    """One of the few places for hashing; whoever waits too long is told to come back."""

    def __enter__(self) -> None:
        if not _AT_ONCE.acquire(timeout=_WAIT_SECONDS):
            raise TooManyAttempts("Too many log-ins at a time.", timedelta(seconds=_WAIT_SECONDS))

    def __exit__(self, *_: object) -> None:
        _AT_ONCE.release()


def _normal(password: str) -> str:
    # One password, however the keyboard composes its accents. Source: RFC 8265, 4.2.
    return unicodedata.normalize("NFC", password)


_DUMMY = "$argon2id$v=19$m=47104,t=1,p=1$bm90aGluZyB0byBzZWU$9oJ4hX7mGzqf8bYqOqv4b0m3l7dK8m0m8Y6s0C7d5fE"
"""A hash of nothing that anybody could type, so that an unknown address takes as long as a known one."""
