"""The clocks: always aware, always UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from nurture.clock import FixedClock, SystemClock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_system_clock_tells_aware_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


def test_fixed_clock_stands_still_until_moved() -> None:
    clock = FixedClock(NOON)
    assert clock.now() == clock.now() == NOON
    assert clock.advance(timedelta(hours=2)) == datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    assert clock.now() == datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    clock.set(NOON)
    assert clock.now() == NOON


def test_fixed_clock_returns_to_utc_at_once() -> None:
    clock = FixedClock(datetime(2026, 3, 2, 12, 0, tzinfo=timezone(timedelta(hours=5))))
    assert clock.now().tzinfo is UTC
    assert clock.now() == datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def test_fixed_clock_refuses_a_naive_instant() -> None:
    with pytest.raises(ValueError, match="names no zone"):
        FixedClock(datetime(2026, 3, 2, 12, 0))  # noqa: DTZ001 - the naive value is what is tested
    with pytest.raises(ValueError, match="names no zone"):
        FixedClock(NOON).set(NOON.replace(tzinfo=None))
