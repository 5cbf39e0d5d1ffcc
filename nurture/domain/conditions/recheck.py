"""When time alone may change what a condition says, so that nobody has to look before."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from nurture.domain.conditions.evaluate import (
    ANYWHERE,
    Snapshot,
    has_engagement,
    held_since,
    matching_events,
    segment_of,
)
from nurture.domain.conditions.tree import (
    All,
    Any_,
    Bounds,
    Condition,
    EngagementTest,
    EventTest,
    HasBeenTest,
    None_,
    SegmentTest,
)
from nurture.domain.scoring.decay import falls_below_at
from nurture.domain.timing.spans import reached


def recheck_at(conditions: Iterable[Condition], snapshot: Snapshot, now: datetime) -> datetime | None:
    """The earliest instant after `now` at which one of the conditions may change by time alone, or None.

    Until then each stays what it is, unless something happens to the lead. Where engagement falls below a
    threshold, the instant lies up to two seconds behind the fall.
    """
    instants = (instant for condition in conditions for instant in _changes(condition, snapshot, now))
    return min((instant for instant in instants if instant > now), default=None)


def _changes(condition: Condition, snapshot: Snapshot, now: datetime) -> Iterator[datetime]:
    """The next instant at which each part may change; those that have passed are among them."""
    match condition:
        case All():
            yield from _of_parts(condition.all, snapshot, now)
        case Any_():
            yield from _of_parts(condition.any, snapshot, now)
        case None_():
            yield from _of_parts(condition.none, snapshot, now)
        case EngagementTest():
            yield from _of_engagement(condition.engagement, snapshot, now)
        case EventTest():
            yield from _of_events(condition, snapshot, now)
        case SegmentTest():
            yield from _changes(segment_of(condition.segment, snapshot.segments), snapshot, now)
        case HasBeenTest():
            yield from _of_standing(condition, snapshot, now)
        case _:
            # Fields, ladders, tags, campaigns and messages change only when something happens.
            return


def _of_parts(parts: Iterable[Condition], snapshot: Snapshot, now: datetime) -> Iterator[datetime]:
    for part in parts:
        yield from _changes(part, snapshot, now)


def _of_engagement(bounds: Bounds, snapshot: Snapshot, now: datetime) -> Iterator[datetime]:
    """Engagement only falls by itself, so only thresholds that it reaches now can be passed."""
    score = snapshot.lead.score
    for points in (bounds.gte, bounds.lt):
        if score is not None and points is not None and has_engagement(points, snapshot, now):
            falls_at = falls_below_at(score, points, snapshot.half_life)
            if falls_at is not None:
                yield falls_at


def _of_events(test: EventTest, snapshot: Snapshot, now: datetime) -> Iterator[datetime]:
    """By itself a count only falls: when the oldest event that it needs is no longer `within`."""
    if test.within is None:
        return
    events = matching_events(test, snapshot, now, ANYWHERE)
    if len(events) >= test.count:
        yield reached(events[-test.count].at, test.within)


def _of_standing(test: HasBeenTest, snapshot: Snapshot, now: datetime) -> Iterator[datetime]:
    since = held_since(test.has_been, snapshot, now)
    if since is not None:
        yield reached(since, test.for_)
    if test.has_been.segment is not None:
        yield from _changes(segment_of(test.has_been.segment, snapshot.segments), snapshot, now)
