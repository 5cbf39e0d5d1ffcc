"""The score as people see it: never below 0, one decimal, and rows that add up to it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.definition.scoring import Band, Scoring
from nurture.domain.scoring.decay import faded
from nurture.domain.scoring.entries import Entry, standing
from nurture.domain.values import Grade

HELD_AT_ZERO = "held-at-zero"
"""The rule of the row that lifts a score below 0 to the 0 that is shown."""


def shown(engagement: float) -> float:
    """Engagement as it is shown: clamped at 0, one decimal."""
    return _tenths(engagement) / 10


def _tenths(engagement: float) -> int:
    return math.floor(max(0.0, engagement) * 10 + 0.5)


def shows_from(points: float) -> float:
    """The least engagement that is shown as `points` or more."""
    return (math.ceil(points * 10) - 0.5) / 10


def band(engagement: float, bands: Mapping[Band, float]) -> str:
    """The engagement part of the rating, by what is shown: `1` is the warmest, `4` the coldest."""
    points = shown(engagement)
    return next((name for name, least in sorted(bands.items()) if points >= least), "4")


def rating(fit: Grade, engagement: float, bands: Mapping[Band, float]) -> str:
    """Fit and engagement in one word: `A1` … `D4`, `–3` where the fit is not known."""
    return f"{fit}{band(engagement, bands)}"


@dataclass(frozen=True, slots=True)
class ShownRow:
    """What one entry still contributes; `points` have one decimal and add up to the score shown."""

    rule: str
    points: float
    entry: Entry | None


def explain_score(entries: Iterable[Entry], now: datetime, half_life: timedelta) -> tuple[ShownRow, ...]:
    """Why the score is what it is: one row per entry that stands, newest first, adding up to `shown`.

    Where they add up to less than 0 a last row lifts them. Rounding goes to the largest remainders.
    """
    rows = sorted(standing(entries), key=lambda entry: (entry.effective_at, entry.id or 0), reverse=True)
    worth = [faded(entry.net, now - entry.effective_at, half_life) * 10 for entry in rows]
    tenths = _rounded(worth, math.floor(math.fsum(worth) + 0.5))
    explained = [ShownRow(entry.rule, points / 10, entry) for entry, points in zip(rows, tenths, strict=True)]
    if sum(tenths) < 0:
        explained.append(ShownRow(HELD_AT_ZERO, -sum(tenths) / 10, None))
    return tuple(explained)


def _rounded(worth: list[float], target: int) -> list[int]:
    """Whole numbers close to `worth` that add up to `target`, which is `worth`'s rounded sum.

    Source: the largest remainder method (Hamilton's apportionment).
    """
    floors = [math.floor(value) for value in worth]
    by_remainder = sorted(range(len(worth)), key=lambda index: floors[index] - worth[index])
    for index in by_remainder[: target - sum(floors)]:
        floors[index] += 1
    return floors


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why engagement is not `target`: what is missing, what fading and caps took, which rules would do."""

    target: float
    missing: float
    faded: float
    cut: float
    would_do: tuple[str, ...]


def explain_shortfall(
    scoring: Scoring, entries: Iterable[Entry], target: float, now: datetime
) -> Shortfall | None:
    """Why the score is not (at least) `target`; `None` where it is."""
    half_life = scoring.half_life_exact
    rows = standing(entries)
    now_worth = math.fsum(faded(entry.net, now - entry.effective_at, half_life) for entry in rows)
    if shown(now_worth) >= target:
        return None
    missing = target - now_worth
    gains = sorted((rule for rule in scoring.rules if rule.points >= missing), key=lambda rule: rule.points)
    return Shortfall(
        target=target,
        missing=missing,
        faded=math.fsum(entry.net for entry in rows) - now_worth,
        cut=math.fsum(entry.cut for entry in rows),
        would_do=tuple(rule.key for rule in gains),
    )
