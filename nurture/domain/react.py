"""Which events wake a campaign's passages: those after which what it waits for may have come true."""

from collections.abc import Iterable, Iterator, Mapping

from nurture.domain.conditions.evaluate import MESSAGE_EVENTS
from nurture.domain.conditions.references import leaves, references
from nurture.domain.conditions.tree import (
    Condition,
    EngagementTest,
    EventTest,
    FieldTest,
    FitTest,
    HasBeenTest,
    InCampaignTest,
    MessageTest,
    TagTest,
)
from nurture.domain.definition.campaign import CampaignDefinition, walk
from nurture.domain.definition.steps import BranchStep, WaitStep
from nurture.domain.events import Event, EventKind

TURNS = frozenset(
    {
        EventKind.MOVED,
        EventKind.MERGED,
        EventKind.UNSUBSCRIBED,
        EventKind.EMAIL_REPLIED,
        EventKind.EMAIL_BOUNCED,
        EventKind.EMAIL_COMPLAINED,
    }
)
"""Kinds that matter to every campaign: the lead stands elsewhere, talks to a person, or wants no mail."""

PROFILE = frozenset({EventKind.EDITED, EventKind.IMPORTED, EventKind.FORM_SUBMITTED, EventKind.CHAT_MESSAGE})
"""Kinds after which a lead's fields may hold other values."""


def matters(definition: CampaignDefinition, event: Event, segments: Mapping[str, Condition]) -> bool:
    """Whether passages through this campaign must look around because of the event.

    A machine's opens and clicks never matter. `segments` has the condition of every segment.
    """
    kinds = kinds_that_matter(definition, segments)
    return event.counts and (kinds is None or event.kind in kinds)


def kinds_that_matter(
    definition: CampaignDefinition, segments: Mapping[str, Condition]
) -> frozenset[str] | None:
    """The kinds of events that matter to a campaign; None where any kind does."""
    return kinds_behind(awaited(definition), segments, TURNS)


def kinds_behind(
    conditions: Iterable[Condition], segments: Mapping[str, Condition], always: frozenset[str] = frozenset()
) -> frozenset[str] | None:
    """The kinds of events after which one of the conditions may say otherwise; None where any kind can."""
    kinds = set(always)
    for test in _tests(conditions, segments):
        match test:
            case EventTest():
                kinds.add(test.event)
            case MessageTest():
                kinds.add(MESSAGE_EVENTS[test.message])
            case FieldTest() | FitTest():
                kinds |= PROFILE
            case TagTest():
                kinds.add(EventKind.TAGGED)
            case EngagementTest() | InCampaignTest() | HasBeenTest():
                return None
            case _:
                # Segments are read by their parts; every move on a ladder is an event of its own.
                kinds.add(EventKind.MOVED)
    return frozenset(kinds)


def awaited(definition: CampaignDefinition) -> tuple[Condition, ...]:
    """What passages through this campaign wait for: exits, the goal, and the ends of waits.

    Branches are not among them: they are looked at when somebody comes to them.
    """
    goal = (definition.goal.condition,) if definition.goal else ()
    waits = (step.wait.or_until for step in walk(definition.steps) if isinstance(step, WaitStep))
    return (*definition.exit, *goal, *(condition for condition in waits if condition is not None))


def looked_at(definition: CampaignDefinition) -> tuple[Condition, ...]:
    """Every condition that decisions about passages look at."""
    branches = (step for step in walk(definition.steps) if isinstance(step, BranchStep))
    arms = (arm.when for branch in branches for arm in branch.branch if arm.when is not None)
    return (*awaited(definition), *arms)


def kinds_counted(conditions: Iterable[Condition], segments: Mapping[str, Condition]) -> frozenset[str]:
    """The kinds of events that the conditions count: without those events nobody can evaluate them."""
    kinds: set[str] = set()
    for test in _tests(conditions, segments):
        match test:
            case EventTest():
                kinds.add(test.event)
            case MessageTest():
                kinds.add(MESSAGE_EVENTS[test.message])
            case _:
                pass
    return frozenset(kinds)


def _tests(conditions: Iterable[Condition], segments: Mapping[str, Condition]) -> Iterator[Condition]:
    """Every test in the conditions, and in the segments that they name."""
    waiting, met = list(conditions), set[str]()
    while waiting:
        for test in leaves(waiting.pop()):
            yield test
            named = references(test).segments & segments.keys() - met
            met |= named
            waiting.extend(segments[slug] for slug in sorted(named))
