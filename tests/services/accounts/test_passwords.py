"""Passwords: what is accepted and how it is kept."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import InputError
from nurture.services.accounts.passwords import (
    check_strength,
    generate_password,
    hash_password,
    is_outdated,
    verify_password,
)

ADDRESS = "clara.whitfield@example.com"


@pytest.mark.parametrize(
    "password",
    [
        "seven quiet herons",
        "Zürich–Übermorgen",
        "日本語のとても長い合言葉です",
        "k7mq-9w3e-x2vb-n8ty-4hjd",
        "x7$kQ!m2#vL9",
    ],
)
def test_unrelated_words_and_random_letters_are_accepted(password: str) -> None:
    check_strength(password, ADDRESS)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "Use at least 12"),
        ("elevenchars", "Use at least 12"),
        ("x" * 129, "Use at most 128"),
        ("aaaaaaaaaaaaaaaa", "guessed first"),
        ("abababababab", "guessed first"),
        ("password1234", "guessed first"),
        ("Password-2026!", "guessed first"),
        ("qwertyuiop123", "guessed first"),
        ("abcdefghijklm", "guessed first"),
        ("987654321098", "guessed first"),
        ("letmeinletmein", "guessed first"),
        ("clara.whitfield1", "guessed first"),
        ("clara.whitfield@example.com", "guessed first"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        check_strength(password, ADDRESS)


def test_generated_passwords_are_strong_and_never_the_same() -> None:
    made = {generate_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        check_strength(password, ADDRESS)


def test_a_password_is_known_again_however_its_accents_are_composed() -> None:
    kept = hash_password("Zu\u0308rich im Regen")
    assert verify_password(kept, "Z\u00fcrich im Regen")
    assert not verify_password(kept, "Zurich im Regen")
    assert not is_outdated(kept)


def test_nothing_matches_where_nothing_is_kept() -> None:
    assert not verify_password(None, "")
    assert not verify_password("not a hash", "not a hash")


def test_a_weaker_hash_is_noticed() -> None:
    assert is_outdated("$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b6GQw")


@given(st.text(max_size=200))
def test_any_text_is_judged_without_a_fault(text: str) -> None:
    with suppress(InputError):
        check_strength(text, ADDRESS)
        assert len(text) >= 12
