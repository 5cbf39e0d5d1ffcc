"""Whether a condition holds for one lead, on what is known at one instant."""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from math import isfinite
from typing import assert_never

from nurture.domain.conditions.details import read_details
from nurture.domain.conditions.fields import FieldType, Value, lower_bound, read_test, value_of
from nurture.domain.conditions.tree import (
    All,
    Any_,
    Bounds,
    Condition,
    EngagementTest,
    EventTest,
    FieldTest,
    FitTest,
    HasBeenTest,
    Held,
    InCampaignTest,
    LifecycleTest,
    MessageTest,
    None_,
    Operator,
    SegmentTest,
    StageTest,
    TagTest,
)
from nurture.domain.errors import InputError
from nurture.domain.events import Event, EventKind
from nurture.domain.scoring.decay import threshold_heat
from nurture.domain.timing.spans import before
from nurture.domain.values import LeadView


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What conditions look at: a lead, its events in (at, id) order, and the rules that give them meaning.

    `segments` has the condition of every segment, `field_types` the type of every custom field.
    """

    lead: LeadView
    events: tuple[Event, ...]
    half_life: timedelta
    segments: Mapping[str, Condition] = field(default_factory=dict)
    field_types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a condition stands, which decides what counts for it.

    Events without a time of their own count from `since` on (the enrollment's or the wait's start, or when
    the lead came to its rung), all of them where it is None. Messages are those of the enrollment.
    """

    since: datetime | None = None
    enrollment_id: int | None = None


ANYWHERE = Scope()
"""Outside of campaigns and ladders: all history counts, and there are no messages."""

MESSAGE_EVENTS = {
    "opened": EventKind.EMAIL_OPENED,
    "clicked": EventKind.EMAIL_CLICKED,
    "replied": EventKind.EMAIL_REPLIED,
}


def evaluate(condition: Condition, snapshot: Snapshot, now: datetime, scope: Scope = ANYWHERE) -> bool:
    """Whether the condition holds at `now`.

    Raises:
        InputError: when it names a field or a segment that there is not. What names nobody must not pass
            for "nobody is in it": inside `none` that would be "everybody".
    """
    lead = snapshot.lead
    match condition:
        case All():
            return all(evaluate(part, snapshot, now, scope) for part in condition.all)
        case Any_():
            return any(evaluate(part, snapshot, now, scope) for part in condition.any)
        case None_():
            return not any(evaluate(part, snapshot, now, scope) for part in condition.none)
        case FieldTest():
            return _field_holds(condition, snapshot)
        case EventTest():
            enough = islice(_matching(condition, snapshot, now, scope), condition.count)
            return len(tuple(enough)) == condition.count
        case MessageTest():
            return bool(answers(condition, snapshot, scope))
        case EngagementTest():
            return _within_bounds(condition.engagement, snapshot, now)
        case FitTest():
            return lead.fit.at_least(condition.fit.at_least)
        case LifecycleTest():
            return lead.lifecycle in condition.lifecycle
        case StageTest():
            return lead.stage in condition.stage
        case TagTest():
            return condition.tag in lead.tags
        case SegmentTest():
            return evaluate(segment_of(condition.segment, snapshot.segments), snapshot, now)
        case InCampaignTest():
            return condition.in_campaign in lead.campaigns
        case HasBeenTest():
            since = held_since(condition.has_been, snapshot, now)
            return since is not None and since <= before(now, condition.for_)
        case _:
            assert_never(condition)


def segment_of(slug: str, segments: Mapping[str, Condition]) -> Condition:
    """The condition of a segment.

    Raises:
        InputError: when there is no such segment.
    """
    if slug not in segments:
        raise InputError(f'There is no segment "{slug}". Define it in segments.yaml, or name another.')
    return segments[slug]


def matching_events(test: EventTest, snapshot: Snapshot, now: datetime, scope: Scope) -> tuple[Event, ...]:
    """The events that the test counts, oldest first."""
    return tuple(_matching(test, snapshot, now, scope))


def _matching(test: EventTest, snapshot: Snapshot, now: datetime, scope: Scope) -> Iterator[Event]:
    in_time = _in_time(test, now, scope)
    for event in snapshot.events:
        if event.kind == test.event and event.counts and in_time(event.at) and has_details(event, test.where):
            yield event


def _in_time(test: EventTest, now: datetime, scope: Scope) -> Callable[[datetime], bool]:
    """Whether an event of some time counts; found out once, because a lead may have thousands of events."""
    if test.within is not None:
        start = before(now, test.within)
        return lambda at: at > start
    since = scope.since
    if test.ever or since is None:
        return lambda at: True
    return lambda at: at >= since


def has_details(event: Event, details: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the event has every one of these details, with one of the values listed."""
    return all(detail.is_in(event.data) for detail in read_details(details))


def answers(test: MessageTest, snapshot: Snapshot, scope: Scope) -> tuple[Event, ...]:
    """What a person did, as the test asks, with the messages of this enrollment; oldest first."""
    if scope.enrollment_id is None:
        return ()
    return tuple(
        event
        for event in snapshot.events
        if event.kind == MESSAGE_EVENTS[test.message]
        and event.enrollment_id == scope.enrollment_id
        and test.step in (None, event.step)
        and event.counts
    )


def held_since(held: Held, snapshot: Snapshot, now: datetime) -> datetime | None:
    """Since when the lead is what `held` says, without a break; None where it is not, or nobody noted it."""
    lead = snapshot.lead
    if held.lifecycle is not None:
        return lead.lifecycle_since if lead.lifecycle == held.lifecycle else None
    if held.stage is not None:
        return lead.stage_since if lead.stage == held.stage else None
    if held.tag is not None:
        return lead.tags.get(held.tag)
    slug = str(held.segment)
    is_in = evaluate(segment_of(slug, snapshot.segments), snapshot, now)
    return lead.segments.get(slug) if is_in else None


def _within_bounds(bounds: Bounds, snapshot: Snapshot, now: datetime) -> bool:
    if bounds.gte is not None and not has_engagement(bounds.gte, snapshot, now):
        return False
    return bounds.lt is None or not has_engagement(bounds.lt, snapshot, now)


def has_engagement(points: float, snapshot: Snapshot, now: datetime) -> bool:
    """Whether the engagement is at least `points`; as people are shown it, it is never below 0."""
    if points <= 0:
        return True
    score = snapshot.lead.score
    heat = score.heat(snapshot.half_life) if score else None
    return heat is not None and isfinite(points) and heat >= threshold_heat(points, now, snapshot.half_life)


def _field_holds(test: FieldTest, snapshot: Snapshot) -> bool:
    comparison = read_test(test, snapshot.field_types)
    value = value_of(comparison.field, snapshot.lead)
    if test.op is Operator.UNKNOWN:
        return value is None
    if value is None:
        return False
    if test.op is Operator.KNOWN:
        return True
    if comparison.field.type is FieldType.BAND and test.op in (Operator.GTE, Operator.LTE):
        value = lower_bound(str(value))
    return value is not None and bool(comparison.wanted) and _compare(value, test.op, comparison.wanted)


def _compare(value: Value, op: Operator, wanted: tuple[Value, ...]) -> bool:
    """Compare values of the same type; `wanted` is one value for all but `in`."""
    match op:
        case Operator.IS | Operator.IN:
            return value in wanted
        case Operator.IS_NOT:
            return value not in wanted
        case Operator.CONTAINS:
            return str(wanted[0]) in str(value)
        case _:
            # Both are of one type, which `read_test` sees to.
            return _ORDERINGS[op](value, wanted[0])


_ORDERINGS: Mapping[Operator, Callable[[Value, Value], bool]] = {
    Operator.GTE: operator.ge,
    Operator.LTE: operator.le,
    Operator.BEFORE: operator.lt,
    Operator.AFTER: operator.gt,
}
