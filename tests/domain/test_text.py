"""Folding: what a reader calls the same word is the same text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.text import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Logistics", "LOGISTICS"),
        ("Straße", "STRASSE"),
        ("Caf\u00e9", "CAFE\u0301"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("", ""),
    ],
)
def test_the_same_word_folds_to_the_same_text(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("café", "cafe"), ("logistics ", "logistics"), ("ı", "i")])
def test_other_words_stay_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)
