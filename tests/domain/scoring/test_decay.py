"""How points fade, and the one pair that a whole ledger comes down to."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.scoring.decay import add, faded, falls_below_at, threshold_heat, total
from nurture.domain.scoring.entries import Entry
from nurture.domain.values import Score

START = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=30)

moments = st.integers(0, 400 * 86400).map(lambda seconds: START + timedelta(seconds=seconds))
points = st.integers(-1000, 1000).map(lambda tenths: tenths / 10)
ledgers = st.lists(st.tuples(points, moments), max_size=30)
half_lives = st.integers(1, 365 * 24).map(lambda hours: timedelta(hours=hours))


def entry(net: float, at: datetime) -> Entry:
    return Entry(rule="r", dedupe_key="k", seq=1, raw=net, cut=0.0, effective_at=at)


def test_points_halve_every_half_life() -> None:
    assert faded(40, MONTH, MONTH) == 20
    assert faded(40, 3 * MONTH, MONTH) == 5
    assert faded(40, timedelta(0), MONTH) == 40


def test_a_late_entry_counts_as_faded_as_it_is() -> None:
    score = add(Score(10, START), 8, START - MONTH, MONTH)

    assert score == Score(14, START)


def test_a_newer_entry_moves_the_pair_on() -> None:
    assert add(Score(10, START), 8, START + MONTH, MONTH) == Score(13, START + MONTH)
    assert add(None, 8, START, MONTH) == Score(8, START)


@given(ledgers, half_lives, moments)
def test_the_pair_equals_the_sum_of_the_ledger_at_any_time(
    ledger: list[tuple[float, datetime]], half_life: timedelta, now: datetime
) -> None:
    pair = None
    for net, at in ledger:
        pair = add(pair, net, at, half_life)
    whole = total([entry(net, at) for net, at in ledger], half_life)
    later = max([now, *(at for _, at in ledger)])

    summed = math.fsum(faded(net, later - at, half_life) for net, at in ledger)
    assert (pair.at(later, half_life) if pair else 0) == pytest.approx(summed, abs=1e-9)
    assert (whole.at(later, half_life) if whole else 0) == pytest.approx(summed, abs=1e-9)


@given(ledgers.flatmap(lambda ledger: st.tuples(st.just(ledger), st.permutations(ledger))), half_lives)
def test_the_total_is_the_same_to_the_last_bit_in_any_order(
    orders: tuple[list[tuple[float, datetime]], list[tuple[float, datetime]]], half_life: timedelta
) -> None:
    first, second = ([entry(net, at) for net, at in order] for order in orders)

    assert total(first, half_life) == total(second, half_life)


def test_an_entry_and_its_reversal_leave_no_rest() -> None:
    entries = [entry(0.1, START), entry(7.3, START + MONTH / 7), entry(-0.1, START)]

    assert total(entries, MONTH) == Score(7.3, START + MONTH / 7)
    assert total([], MONTH) is None


@given(points, moments, half_lives, moments, st.integers(1, 1000))
def test_heat_says_whether_engagement_reaches_a_threshold(
    value: float, as_of: datetime, half_life: timedelta, now: datetime, threshold: int
) -> None:
    score, now = Score(value, as_of), max(now, as_of)
    heat = score.heat(half_life)
    engagement = score.at(now, half_life)

    reaches = heat is not None and heat >= threshold_heat(threshold, now, half_life)
    # The logarithm rounds, so exactly at the threshold either answer is right.
    assert reaches == (engagement >= threshold) or engagement == pytest.approx(threshold, rel=1e-9)


def test_no_heat_corresponds_to_no_points() -> None:
    with pytest.raises(ValueError, match="0 points"):
        threshold_heat(0, START, MONTH)


@given(points, moments, half_lives, st.integers(1, 1000))
def test_the_moment_below_a_threshold_is_foreseen_to_two_seconds(
    value: float, as_of: datetime, half_life: timedelta, threshold: int
) -> None:
    score = Score(value, as_of)
    moment = falls_below_at(score, threshold, half_life)

    if moment is None:
        assert value <= 0
    else:
        assert score.at(moment, half_life) < threshold
        earlier = score.at(moment - timedelta(seconds=2), half_life)
        assert earlier >= threshold or earlier == pytest.approx(threshold, rel=1e-12)


def test_what_is_never_above_a_threshold_never_falls_below_it() -> None:
    assert falls_below_at(Score(0, START), 5, MONTH) is None
    assert falls_below_at(Score(5, START), 0, MONTH) is None
    assert falls_below_at(Score(1e300, START), 1, timedelta(days=3650)) is None


def test_a_crossing_between_two_seconds_has_a_second_to_spare() -> None:
    crossing = START + MONTH * math.log2(10 / 3)

    assert crossing.microsecond
    assert falls_below_at(Score(10, START), 3, MONTH) == crossing.replace(microsecond=0) + timedelta(
        seconds=2
    )


def test_a_threshold_met_exactly_falls_a_second_later() -> None:
    assert falls_below_at(Score(10, START), 10, MONTH) == START + timedelta(seconds=1)
