"""Spans: calendar time from a day on, exact time below."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.domain.timing.durations import Duration
from nurture.domain.timing.spans import after, before, reached
from nurture.domain.timing.zones import EARLIEST, LATEST, wall, zone_named
from tests.domain.timing.clocks import instants, utc

BERLIN = "Europe/Berlin"
MICROSECOND = timedelta(microseconds=1)

durations = st.builds(Duration, st.integers(0, 40), st.integers(0, 400), st.integers(0, 200_000))


@pytest.mark.parametrize(
    ("start", "length", "zone", "expected"),
    [
        # The clock changes in the night to 29 March: a day is 23 hours, 24 hours are 24 hours.
        ("2026-03-28 09:00", "P1D", BERLIN, "2026-03-29 08:00"),
        ("2026-03-28 09:00", "PT24H", BERLIN, "2026-03-29 09:00"),
        ("2026-03-28 09:00", "P1DT1H", BERLIN, "2026-03-29 09:00"),
        ("2026-10-24 09:00", "P1W", BERLIN, "2026-10-31 10:00"),
        # 2:30 is skipped and becomes 3:00.
        ("2026-03-28 01:30", "P1D", BERLIN, "2026-03-29 01:00"),
        # What is no calendar time leaves the second 2:30 of the day alone.
        ("2026-10-25 01:30", "PT30M", BERLIN, "2026-10-25 02:00"),
        ("2026-10-25 01:30", "P0D", BERLIN, "2026-10-25 01:30"),
        ("2026-01-31 12:00", "P1M", "UTC", "2026-02-28 12:00"),
        ("2024-02-29 12:00", "P1Y", "UTC", "2025-02-28 12:00"),
        ("2026-12-15 12:00", "P1M", "UTC", "2027-01-15 12:00"),
        ("2026-01-31 23:30", "P1M1D", "Asia/Kathmandu", "2026-03-01 23:30"),
        ("2026-01-01 00:00", "P9999Y", "UTC", "9000-01-01 00:00"),
        ("8000-01-01 00:00", "P999999D", "UTC", "9000-01-01 00:00"),
        ("8999-12-31 00:00", "PT9999999H", "UTC", "9000-01-01 00:00"),
    ],
)
def test_what_comes_after(start: str, length: str, zone: str, expected: str) -> None:
    assert after(utc(start), Duration.parse(length), zone_named(zone)) == utc(expected)


@pytest.mark.parametrize(
    ("now", "length", "expected"),
    [
        ("2026-03-29 12:00", "P1D", "2026-03-28 12:00"),
        ("2026-03-29 12:00", "PT1H", "2026-03-29 11:00"),
        ("2026-03-28 12:00", "P1M", "2026-02-28 12:00"),
        ("2026-03-31 12:00", "P1M", "2026-02-28 23:59:59.999999"),
        ("2026-01-15 12:00", "P1M", "2025-12-15 12:00"),
        ("2026-01-15 12:00", "P2000Y", "1000-01-01 00:00"),
        ("2026-01-15 12:00", "P999999D", "1000-01-01 00:00"),
    ],
)
def test_what_came_before(now: str, length: str, expected: str) -> None:
    found = before(utc(now), Duration.parse(length))
    assert found == utc(expected)
    assert found.tzinfo is UTC


def test_months_are_counted_by_the_calendar_of_utc() -> None:
    # Where the machine stands it is still the month before, whose last day is another.
    start = utc("2026-03-01 01:00")
    assert before(start, Duration(months=1)) == utc("2026-02-01 01:00")
    assert reached(start, Duration(months=1)) == utc("2026-04-01 01:00")
    assert reached(start, Duration(months=1)).tzinfo is UTC


@given(instants, durations, st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"]))
def test_days_keep_the_time_on_the_clock(start: datetime, duration: Duration, zone: str) -> None:
    where = zone_named(zone)
    days = Duration(days=duration.days)
    end = after(start, days, where)
    # Where the clock skips that time, it shows a later one.
    assert wall(end, where) >= wall(start, where) + timedelta(days=days.days)
    assert end - start <= timedelta(days=days.days + 2)
    assert end >= start - timedelta(hours=2)


@given(instants, st.timedeltas(timedelta(0), timedelta(days=100)), durations)
@example(utc("2026-03-29 10:00"), timedelta(hours=23), Duration(months=1))
def test_a_later_now_never_has_an_earlier_before(now: datetime, by: timedelta, duration: Duration) -> None:
    assert before(now, duration) <= before(now + by, duration)


@given(instants, durations)
@example(utc("2026-01-31 10:00"), Duration(months=1))
@example(utc("2026-03-01 00:00"), Duration(months=1))
def test_reached_is_the_first_instant_of_its_kind(since: datetime, duration: Duration) -> None:
    instant = reached(since, duration)
    assert before(instant, duration) >= since
    assert before(instant - MICROSECOND, duration) < since


def test_what_is_too_far_away_is_never_reached() -> None:
    assert reached(utc("2026-01-01"), Duration(months=120_000)) == LATEST
    assert before(EARLIEST, Duration(seconds=1)) == EARLIEST


def test_nothing_lies_beyond_never() -> None:
    assert reached(utc("8999-06-15"), Duration(months=12)) == LATEST
    assert before(utc("1001-06-15"), Duration(months=12)) == EARLIEST
