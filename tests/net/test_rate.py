"""The token bucket: never more than the rate allows, and nothing lost to rounding."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.net.rate import Bucket, Rate, take, wait_for_one

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@given(
    st.floats(0.1, 500),
    st.lists(st.tuples(st.floats(0, 5), st.integers(0, 1000)), max_size=30),
)
def test_no_sequence_of_takes_exceeds_burst_and_rate(
    per_second: float, takes: list[tuple[float, int]]
) -> None:
    rate = Rate.of(per_second)
    bucket, now, total = Bucket(rate.burst, START), START, 0
    for pause_seconds, wanted in takes:
        now += timedelta(seconds=pause_seconds)
        granted, bucket = take(bucket, rate, wanted, now)
        assert 0 <= granted <= wanted
        total += granted
    allowed = rate.burst + (now - START).total_seconds() * per_second
    assert total <= allowed + 1e-6


def test_many_small_waits_grant_as_much_as_one_long_wait() -> None:
    rate = Rate.of(2.0)
    bucket, total = Bucket(0.0, START), 0
    for tick in range(1, 101):
        granted, bucket = take(bucket, rate, 10, START + tick * timedelta(milliseconds=100))
        total += granted
    assert total == pytest.approx(20, abs=1)


def test_a_clock_that_went_back_fills_nothing() -> None:
    granted, left = take(Bucket(0.5, START), Rate.of(10), 5, START - timedelta(hours=1))
    assert granted == 0
    assert left == Bucket(0.5, START)


def test_a_slow_rate_still_lets_one_through_at_a_time() -> None:
    rate = Rate.of(0.5)
    granted, left = take(Bucket(rate.burst, START), rate, 5, START)
    assert granted == 1
    wait = wait_for_one(left, rate)
    assert wait == timedelta(seconds=2)
    assert take(left, rate, 5, START + wait)[0] == 1


def test_a_bucket_with_a_token_asks_for_no_wait() -> None:
    assert wait_for_one(Bucket(3.0, START), Rate.of(1)) == timedelta(0)
