"""Front matter: dates, single lines, and values that survive JSON."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from nurture.domain.definition.front_matter import FrontMatter

HEAD = {"kind": "letter", "subject": "Hi"}


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2027-03-31", datetime(2027, 4, 1, tzinfo=UTC)),
        ("2027-03-31T18:00:00+02:00", datetime(2027, 3, 31, 16, tzinfo=UTC)),
        (datetime(2027, 3, 31, tzinfo=UTC), datetime(2027, 3, 31, tzinfo=UTC)),
    ],
)
def test_expiry_is_an_instant(written: object, instant: datetime) -> None:
    front = FrontMatter.model_validate({**HEAD, "expires": written})
    assert front.expires == instant
    assert FrontMatter.model_validate(front.model_dump(mode="json")) == front


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("expires", "soon", "is not a date"),
        ("expires", "9999-12-31", "is not a date"),
        ("expires", "2027-03-31 18:00", "names no zone"),
        ("subject", "a\nb", "on one line"),
        ("preheader", "a\nb", "on one line"),
        ("colour", "red", "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(key: str, value: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        FrontMatter.model_validate({**HEAD, key: value})


def test_lines_are_trimmed() -> None:
    assert FrontMatter.model_validate({**HEAD, "subject": " Hi \n"}).subject == "Hi"
