"""Durations: read from ISO 8601, written back as short as can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from nurture.domain.errors import InputError
from nurture.domain.timing.durations import Duration, DurationField


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P30D", Duration(days=30)),
        ("P2W", Duration(days=14)),
        ("P1Y2M", Duration(months=14)),
        ("PT4H", Duration(seconds=14_400)),
        ("P1DT1H1M1S", Duration(days=1, seconds=3661)),
        (" PT90M ", Duration(seconds=5400)),
        ("P0D", Duration()),
    ],
)
def test_what_is_written_is_read(text: str, expected: Duration) -> None:
    assert Duration.parse(text) == expected


@pytest.mark.parametrize("text", ["", "P", "PT", "3 days", "P1.5D", "-P1D", "P1H", "p1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"is not a length of time\. Write ISO 8601: P30D"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "short"), [("P14M", "P1Y2M"), ("PT3600S", "PT1H"), ("P0D", "PT0S"), ("P2W", "P14D")]
)
def test_it_is_written_as_short_as_can_be(text: str, short: str) -> None:
    assert str(Duration.parse(text)) == short


@given(st.builds(Duration, st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10**7)))
def test_reading_back_gives_the_same_length(duration: Duration) -> None:
    assert Duration.parse(str(duration)) == duration


def test_a_file_holds_text_and_the_product_a_length() -> None:
    adapter = TypeAdapter(DurationField)
    assert adapter.validate_python("P1D") == adapter.validate_python(Duration(days=1)) == Duration(days=1)
    assert adapter.dump_python(Duration(days=1)) == "P1D"
