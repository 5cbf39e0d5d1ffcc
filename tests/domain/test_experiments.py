"""Splits and holdouts by hash."""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.definition.steps import Share, SplitStep
from nurture.domain.experiments import fraction, held_out, share_of

LEADS = 20_000


def split(*weights: int, key: str = "tone") -> SplitStep:
    return SplitStep(
        key=key,
        split=tuple(Share(key=f"arm-{number}", weight=weight) for number, weight in enumerate(weights)),
    )


def within_chance(count: int, total: int, share: float) -> bool:
    """Whether a count is within four standard deviations of what is expected."""
    return abs(count - total * share) < 4 * math.sqrt(total * share * (1 - share))


@given(st.text(), st.text(), st.text(), st.integers())
def test_a_fraction_is_at_least_0_and_below_1(salt: str, campaign: str, step: str, lead_id: int) -> None:
    assert 0 <= fraction(salt, campaign, step, lead_id) < 1


def test_fractions_are_the_same_on_every_run() -> None:
    assert fraction("split", "welcome", "tone", 7) == 0.5108257103754638


def test_fractions_are_evenly_spread() -> None:
    tenths = Counter(int(fraction("s", "c", "k", lead) * 10) for lead in range(LEADS))
    assert set(tenths) == set(range(10))
    assert all(within_chance(count, LEADS, 0.1) for count in tenths.values())


def test_different_steps_salts_and_campaigns_are_independent() -> None:
    names = [("s", "c", "a"), ("s", "c", "b"), ("t", "c", "a"), ("s", "d", "a")]
    for one, other in itertools.pairwise(names):
        both = sum(fraction(*one, lead) < 0.5 and fraction(*other, lead) < 0.5 for lead in range(LEADS))
        assert within_chance(both, LEADS, 0.25)


def test_names_do_not_run_into_each_other() -> None:
    assert fraction("s", "ab", "c", 1) != fraction("s", "a", "bc", 1)


@pytest.mark.parametrize("per_cent", [0, 10, 50, 100])
def test_as_many_are_held_out_as_asked(per_cent: int) -> None:
    count = sum(held_out("welcome", per_cent, lead) for lead in range(LEADS))
    assert within_chance(count, LEADS, per_cent / 100) or count == LEADS * per_cent // 100


@given(st.integers(0, 100), st.integers(0, 100), st.integers())
def test_who_is_held_out_stays_so_when_the_share_grows(one: int, other: int, lead_id: int) -> None:
    low, high = sorted((one, other))
    assert held_out("welcome", high, lead_id) or not held_out("welcome", low, lead_id)


def test_a_split_gives_each_arm_its_weight() -> None:
    taken = Counter(share_of(split(1, 2, 1), "welcome", lead).key for lead in range(LEADS))
    assert within_chance(taken["arm-0"], LEADS, 0.25)
    assert within_chance(taken["arm-1"], LEADS, 0.5)
    assert within_chance(taken["arm-2"], LEADS, 0.25)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=6).filter(any), st.integers())
def test_an_arm_without_weight_is_never_taken(weights: list[int], lead_id: int) -> None:
    assert share_of(split(*weights), "welcome", lead_id).weight > 0


def test_a_lead_takes_the_same_arm_every_time() -> None:
    assert share_of(split(1, 1), "welcome", 7) is not None
    assert all(share_of(split(1, 1), "welcome", 7) == share_of(split(1, 1), "welcome", 7) for _ in range(3))
