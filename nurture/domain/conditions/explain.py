"""A condition in words, clause by clause, each with whether it holds and what was seen."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from nurture.domain.conditions.evaluate import (
    ANYWHERE,
    Scope,
    Snapshot,
    answers,
    evaluate,
    held_since,
    matching_events,
    segment_of,
)
from nurture.domain.conditions.fields import find_field, raw_value_of
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
from nurture.domain.events import Event
from nurture.domain.scoring.shown import shown
from nurture.domain.timing.durations import Duration


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a condition: what it says, whether it holds, what was seen, and the parts inside it."""

    text: str
    truth: bool
    seen: str = ""
    children: tuple["Clause", ...] = ()

    def __str__(self) -> str:
        return f"{self.text} – seen: {self.seen}" if self.seen else self.text


def explain(condition: Condition, snapshot: Snapshot, now: datetime, scope: Scope = ANYWHERE) -> Clause:
    """The truth table of a condition at `now`; its truth is what `evaluate` says.

    Raises:
        InputError: when it names a field or a segment that there is not.
    """
    truth = evaluate(condition, snapshot, now, scope)
    return Clause(
        text=describe(condition),
        truth=truth,
        seen=_seen(condition, snapshot, now, scope),
        children=_children(condition, snapshot, now, scope),
    )


def describe(condition: Condition) -> str:
    """What one part of a condition says, in words; of `all`, `any` and `none` only the heading.

    Raises:
        InputError: when it names a field that there is not.
    """
    match condition:
        case All():
            return "all of these"
        case Any_():
            return "any of these"
        case None_():
            return "none of these"
        case FieldTest():
            return _field_in_words(condition)
        case EventTest():
            return _event_in_words(condition)
        case MessageTest():
            which = f'the message of "{condition.step}"' if condition.step else "a message of this campaign"
            return f"{condition.message} {which}" if condition.message != "replied" else f"replied to {which}"
        case EngagementTest():
            return f"engagement is {_bounds_in_words(condition.engagement)}"
        case FitTest():
            return f"fit is {condition.fit.at_least} or better"
        case LifecycleTest():
            return f"lifecycle is {_either(condition.lifecycle)}"
        case StageTest():
            return f"stage is {_either(condition.stage)}"
        case TagTest():
            return f'has the tag "{condition.tag}"'
        case SegmentTest():
            return f'is in the segment "{condition.segment}"'
        case InCampaignTest():
            return f'is in the campaign "{condition.in_campaign}"'
        case HasBeenTest():
            return f"{_held_in_words(condition.has_been)} for {duration_in_words(condition.for_)}"
        case _:
            assert_never(condition)


def duration_in_words(duration: Duration) -> str:
    """A length of time for people: `30 days`, `1 month 2 days`, `4 hours`."""
    years, months = divmod(duration.months, 12)
    hours, rest = divmod(duration.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = {
        "year": years,
        "month": months,
        "day": duration.days,
        "hour": hours,
        "minute": minutes,
        "second": seconds,
    }
    return " ".join(_counted(number, unit) for unit, number in parts.items() if number) or "no time"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _either(words: tuple[str, ...]) -> str:
    return " or ".join(str(word).replace("_", " ") for word in words) or "nothing"


_IN_WORDS = {
    Operator.IS: "is",
    Operator.IS_NOT: "is not",
    Operator.IN: "is one of",
    Operator.CONTAINS: "contains",
    Operator.GTE: "is at least",
    Operator.LTE: "is at most",
    Operator.BEFORE: "is before",
    Operator.AFTER: "is after",
    Operator.KNOWN: "is known",
    Operator.UNKNOWN: "is not known",
}


def _field_in_words(test: FieldTest) -> str:
    label = find_field(test.field, {}).label
    operands = test.value if isinstance(test.value, tuple) else (test.value,)
    values = ", ".join(_quoted(operand) for operand in operands if operand is not None)
    return f"{label} {_IN_WORDS[test.op]} {values}".rstrip()


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _event_in_words(test: EventTest) -> str:
    words = [test.event.removeprefix("custom:").replace("_", " ")]
    if test.count > 1:
        words.append(f"at least {test.count} times")
    if test.within is not None:
        words.append(f"within {duration_in_words(test.within)}")
    details = [
        f"{key} is {' or '.join(_quoted(text) for text in wanted)}" for key, wanted in test.where.items()
    ]
    return ", ".join([" ".join(words), *details])


def _bounds_in_words(bounds: Bounds) -> str:
    words = [] if bounds.gte is None else [f"at least {bounds.gte:g}"]
    if bounds.lt is not None:
        words.append(f"below {bounds.lt:g}")
    return " and ".join(words)


def _held_in_words(held: Held) -> str:
    if held.lifecycle is not None:
        return f"has been {held.lifecycle}".replace("_", " ")
    if held.stage is not None:
        return f"has been in the stage {held.stage}"
    if held.tag is not None:
        return f'has had the tag "{held.tag}"'
    return f'has been in the segment "{held.segment}"'


def _seen(condition: Condition, snapshot: Snapshot, now: datetime, scope: Scope) -> str:
    lead = snapshot.lead
    match condition:
        case FieldTest():
            value = raw_value_of(find_field(condition.field, snapshot.field_types), lead)
            return "not known" if value is None else _quoted(value)
        case EventTest():
            return _times(matching_events(condition, snapshot, now, scope))
        case MessageTest():
            return _times(answers(condition, snapshot, scope))
        case EngagementTest():
            return str(shown(lead.score.at(now, snapshot.half_life) if lead.score else 0.0))
        case FitTest():
            return str(lead.fit)
        case LifecycleTest():
            return lead.lifecycle.replace("_", " ")
        case StageTest():
            return str(lead.stage)
        case TagTest():
            return ", ".join(_quoted(tag) for tag in sorted(lead.tags)) or "no tags"
        case InCampaignTest():
            return ", ".join(_quoted(slug) for slug in sorted(lead.campaigns)) or "no campaign"
        case HasBeenTest():
            since = held_since(condition.has_been, snapshot, now)
            return f"since {_day(since)}" if since else "not now, or nobody knows since when"
        case _:
            return ""


def _times(events: tuple[Event, ...]) -> str:
    if not events:
        return "never"
    return f"{_counted(len(events), 'time')}, last on {_day(events[-1].at)}"


def _day(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d}"


def _children(condition: Condition, snapshot: Snapshot, now: datetime, scope: Scope) -> tuple[Clause, ...]:
    match condition:
        case All():
            parts = condition.all
        case Any_():
            parts = condition.any
        case None_():
            parts = condition.none
        case SegmentTest():
            return (explain(segment_of(condition.segment, snapshot.segments), snapshot, now),)
        case _:
            return ()
    return tuple(explain(part, snapshot, now, scope) for part in parts)
