"""How points fade: they halve every half-life, all alike, so that a whole ledger is one pair.

Source: Cormode, Shkapenyuk, Srivastava, Xu: Forward Decay (ICDE 2009).
"""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from nurture.domain.scoring.entries import Entry
from nurture.domain.values import Score


def faded(points: float, age: timedelta, half_life: timedelta) -> float:
    """What `points` are worth after `age` (≥ 0)."""
    return points * math.exp2(-(age / half_life))


def add(score: Score | None, net: float, at: datetime, half_life: timedelta) -> Score:
    """The score with `net` more points that count from `at`, which may lie before what it already holds."""
    if score is None:
        return Score(net, at)
    if at > score.as_of:
        return Score(faded(score.value, at - score.as_of, half_life) + net, at)
    return Score(score.value + faded(net, score.as_of - at, half_life), score.as_of)


def total(entries: Iterable[Entry], half_life: timedelta) -> Score | None:
    """The score that a ledger adds up to, to the last bit the same in any order; `None` without entries.

    The sum is rounded once, so an entry and its reversal cancel without a rest.
    """
    known = tuple(entries)
    if not known:
        return None
    as_of = max(entry.effective_at for entry in known)
    return Score(math.fsum(faded(entry.net, as_of - entry.effective_at, half_life) for entry in known), as_of)


def threshold_heat(points: float, now: datetime, half_life: timedelta) -> float:
    """The least `heat` with which engagement at `now` is at least `points`.

    Raises:
        ValueError: when `points` is not above 0: then the heat says nothing.
    """
    heat = Score(points, now).heat(half_life)
    if heat is None:
        raise ValueError(f"{points} points are not above 0, so no heat corresponds to them")
    return heat


def falls_below_at(score: Score, points: float, half_life: timedelta) -> datetime | None:
    """A whole second, at most two late, at which the score has fallen below `points`; may lie in the past.

    `None` where there is no such moment: the threshold is not above 0, or the score never was.
    """
    if points <= 0 or score.value <= 0:
        return None
    try:
        crossing = score.as_of + half_life * math.log2(score.value / points)
    except OverflowError:
        return None
    # A second to spare, because at a crossing computed a microsecond early the score would not have crossed.
    return crossing.replace(microsecond=0) + timedelta(seconds=2 if crossing.microsecond else 1)
