"""What a condition refers to, and whether all of it exists and fits together."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite

from nurture.domain.conditions.details import has_good_name
from nurture.domain.conditions.fields import problem_of
from nurture.domain.conditions.tree import (
    All,
    Any_,
    Condition,
    EngagementTest,
    EventTest,
    FieldTest,
    HasBeenTest,
    InCampaignTest,
    MessageTest,
    None_,
    SegmentTest,
    TagTest,
)

MAX_DEPTH = 5
MAX_TESTS = 50
MAX_TESTS_WITH_SEGMENTS = 500
"""A condition is read by people and run by a database; beyond these it serves neither."""


@dataclass(frozen=True, slots=True)
class References:
    """The names in a condition, each kind on its own; fields as they are written."""

    fields: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    tracked_segments: frozenset[str] = frozenset()
    campaigns: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What there is to refer to; `steps` is None outside of campaigns, where nobody has a message."""

    field_types: Mapping[str, str] = field(default_factory=dict)
    segments: Collection[str] = ()
    campaigns: Collection[str] = ()
    steps: Collection[str] | None = None


def leaves(condition: Condition) -> Iterator[Condition]:
    """Every test in the tree, that is every part but `all`, `any` and `none`, from left to right."""
    parts = parts_of(condition)
    if parts is None:
        yield condition
        return
    for part in parts:
        yield from leaves(part)


def parts_of(condition: Condition) -> tuple[Condition, ...] | None:
    """What `all`, `any` or `none` is made of; None for a test."""
    match condition:
        case All():
            return condition.all
        case Any_():
            return condition.any
        case None_():
            return condition.none
        case _:
            return None


def references(condition: Condition) -> References:
    """Everything that the condition names; `tracked_segments` are those that a `has_been` asks for."""
    tests = tuple(leaves(condition))
    held = [test.has_been for test in tests if isinstance(test, HasBeenTest)]
    tracked = frozenset(one.segment for one in held if one.segment is not None)
    return References(
        fields=frozenset(test.field for test in tests if isinstance(test, FieldTest)),
        segments=tracked | {test.segment for test in tests if isinstance(test, SegmentTest)},
        tracked_segments=tracked,
        campaigns=frozenset(test.in_campaign for test in tests if isinstance(test, InCampaignTest)),
        steps=frozenset(
            test.step for test in tests if isinstance(test, MessageTest) and test.step is not None
        ),
        events=frozenset(test.event for test in tests if isinstance(test, EventTest)),
        tags=frozenset(test.tag for test in tests if isinstance(test, TagTest))
        | {one.tag for one in held if one.tag is not None},
    )


def problems(condition: Condition, vocabulary: Vocabulary) -> tuple[str, ...]:
    """What is wrong with the condition, a sentence each that says what to do; empty where nothing is."""
    tests = tuple(leaves(condition))
    found = [sentence for test in tests for sentence in _problems_of(test, vocabulary)]
    named = references(condition)
    found += [
        f'There is no segment "{slug}". Define it in segments.yaml, or name another.'
        for slug in sorted(named.segments.difference(vocabulary.segments))
    ]
    found += [
        f'There is no campaign "{slug}". Name one by its slug.'
        for slug in sorted(named.campaigns.difference(vocabulary.campaigns))
    ]
    if _depth(condition) > MAX_DEPTH:
        found.append(f"It is nested deeper than {MAX_DEPTH} levels. Make segments of its parts.")
    if len(tests) > MAX_TESTS:
        found.append(f"It has {len(tests)} tests, more than {MAX_TESTS}. Make segments of its parts.")
    return tuple(found)


def _problems_of(test: Condition, vocabulary: Vocabulary) -> Iterator[str]:
    if isinstance(test, EventTest):
        yield from (
            f'An event has no detail "{name}": names are ASCII letters, digits and _ . : / - or spaces.'
            for name in test.where
            if not has_good_name(name)
        )
    match test:
        case FieldTest():
            if (sentence := problem_of(test, vocabulary.field_types)) is not None:
                yield sentence
        case EventTest() if test.ever and test.within is not None:
            yield f'"{test.event}" asks for "within" and "ever" at once. Leave one of them out.'
        case MessageTest() if vocabulary.steps is None:
            yield f'"message: {test.message}" has a meaning only inside a campaign. Name the event instead.'
        case MessageTest() if test.step is not None and test.step not in (vocabulary.steps or ()):
            yield f'There is no step "{test.step}" that sends. Name one by its key.'
        case EngagementTest() if not _are_finite(test):
            yield "Engagement is compared with a number such as 40."
        case _:
            return


def _are_finite(test: EngagementTest) -> bool:
    return all(bound is None or isfinite(bound) for bound in (test.engagement.gte, test.engagement.lt))


def _depth(condition: Condition) -> int:
    return 1 + max((_depth(part) for part in parts_of(condition) or ()), default=0)


def check_segments(segments: Mapping[str, Condition]) -> Mapping[str, str]:
    """What is wrong between segments, a sentence by slug: circles, and too much behind one name.

    Empty where all is well. Names of segments that there are not are for `problems` to find.
    """
    named = {slug: references(condition).segments for slug, condition in segments.items()}
    circles = {slug: circle for slug in segments if (circle := _way_back(slug, named))}
    if circles:
        return {
            slug: f"It is defined by itself: {' → '.join(circle)}. Take one of them out of another."
            for slug, circle in circles.items()
        }
    sizes: dict[str, int] = {}
    for slug in segments:
        _measure(slug, segments, sizes)
    return {
        slug: f"With the segments in it, it has {size} tests, over {MAX_TESTS_WITH_SEGMENTS}. Simplify it."
        for slug, size in sizes.items()
        if size > MAX_TESTS_WITH_SEGMENTS
    }


def _way_back(start: str, named: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """A way from a segment over those that it names back to itself; empty where there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop()
        for slug in sorted(named.get(way[-1], ())):
            if slug == start:
                return (*way, start)
            if slug not in seen:
                seen.add(slug)
                ways.append((*way, slug))
    return ()


def _measure(slug: str, segments: Mapping[str, Condition], sizes: dict[str, int]) -> int:
    """Note how many tests a segment has when those in it are written out; there must be no circle."""
    if slug not in segments:
        return 0
    if slug not in sizes:
        tests = tuple(leaves(segments[slug]))
        inner = [test.segment for test in tests if isinstance(test, SegmentTest)]
        inner += [
            test.has_been.segment for test in tests if isinstance(test, HasBeenTest) and test.has_been.segment
        ]
        sizes[slug] = len(tests) + sum(_measure(name, segments, sizes) for name in inner)
    return sizes[slug]
