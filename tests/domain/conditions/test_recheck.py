"""Rechecks: until the instant foreseen, time alone changes nothing."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from nurture.domain.conditions.evaluate import Scope, Snapshot, evaluate
from nurture.domain.conditions.recheck import recheck_at
from nurture.domain.conditions.tree import Condition
from nurture.domain.values import LeadView, Lifecycle, Score
from tests.domain.conditions.samples import NOW, condition, event, lead, snapshot, snapshots, trees

SECOND = timedelta(seconds=1)


def days(number: float) -> timedelta:
    return timedelta(days=number)


@pytest.mark.parametrize(
    ("test", "somebody", "expected"),
    [
        # 60 points fade to 15 in two half-lives; computed instants are rounded up.
        ({"engagement": {"gte": 15}}, lead(score=Score(60, NOW)), NOW + days(60) + SECOND),
        ({"engagement": {"lt": 15}}, lead(score=Score(60, NOW)), NOW + days(60) + SECOND),
        ({"engagement": {"gte": 15, "lt": 30}}, lead(score=Score(60, NOW)), NOW + days(30) + SECOND),
        ({"engagement": {"gte": 61}}, lead(score=Score(60, NOW)), None),
        ({"engagement": {"gte": 0}}, lead(score=Score(60, NOW)), None),
        ({"engagement": {"gte": 15}}, lead(), None),
        # Two of three are needed: when the second newest is too old.
        ({"event": "form_submitted", "count": 2, "within": "P7D"}, lead(), NOW + days(5)),
        ({"event": "form_submitted", "count": 3, "within": "P7D"}, lead(), NOW + days(2)),
        ({"event": "form_submitted", "count": 4, "within": "P7D"}, lead(), None),
        ({"event": "form_submitted", "within": "P1D"}, lead(), None),
        ({"event": "form_submitted"}, lead(), None),
        (
            {"has_been": {"lifecycle": "lead"}, "for": "P30D"},
            lead(lifecycle=Lifecycle.LEAD, lifecycle_since=NOW - days(10)),
            NOW + days(20),
        ),
        (
            {"has_been": {"lifecycle": "lead"}, "for": "P1M"},
            lead(lifecycle=Lifecycle.LEAD, lifecycle_since=NOW - days(10)),
            datetime.fromisoformat("2026-04-21T10:00+00:00"),
        ),
        (
            {"has_been": {"lifecycle": "lead"}, "for": "P5D"},
            lead(lifecycle=Lifecycle.LEAD, lifecycle_since=NOW - days(10)),
            None,
        ),
        ({"has_been": {"lifecycle": "lead"}, "for": "P30D"}, lead(), None),
        # A segment changes when what it is made of does.
        ({"segment": "busy"}, lead(), NOW + days(6)),
        (
            {"has_been": {"segment": "busy"}, "for": "P20D"},
            lead(segments={"busy": NOW - days(19)}),
            NOW + days(1),
        ),
        (
            {"has_been": {"segment": "busy"}, "for": "P30D"},
            lead(segments={"busy": NOW - days(19)}),
            NOW + days(6),
        ),
        ({"none": [{"any": [{"segment": "busy"}, {"tag": "x"}]}]}, lead(), NOW + days(6)),
        ({"field": "created_at", "op": "before", "value": "2027-01-01"}, lead(), None),
    ],
)
def test_when_time_alone_may_change_it(
    test: dict[str, Any], somebody: LeadView, expected: datetime | None
) -> None:
    known = snapshot(
        somebody,
        event("form_submitted", id=1, days_ago=5),
        event("form_submitted", id=2, days_ago=2),
        event("form_submitted", id=3, days_ago=1),
        busy=condition({"event": "form_submitted", "within": "P7D"}),
    )
    assert recheck_at([condition(test)], known, NOW) == expected
    other = condition({"has_been": {"tag": "x"}, "for": "P1D"})
    assert recheck_at([other, condition(test)], known, NOW) == expected


def test_of_several_conditions_the_first_change_counts() -> None:
    known = snapshot(lead(tags={"a": NOW, "b": NOW}))
    later = condition({"has_been": {"tag": "a"}, "for": "P2D"})
    sooner = condition({"has_been": {"tag": "b"}, "for": "P1D"})
    assert recheck_at([later, sooner], known, NOW) == NOW + days(1)
    assert recheck_at([], known, NOW) is None


@given(trees, snapshots)
def test_until_then_nothing_changes(tree: Condition, known: Snapshot) -> None:
    scope = Scope(since=NOW - days(40), enrollment_id=5)
    at = recheck_at([tree], known, NOW)
    assert at is None or at > NOW
    # Engagement is rounded up by up to two seconds, so the last two seconds are not looked at.
    end = at - 2 * SECOND if at else NOW + days(4000)
    truth = evaluate(tree, known, NOW, scope)
    # Mostly close to the end, where a change missed by a little would lie.
    for share in (0.01, 0.1, 0.3, 0.5, 0.9, 0.99, 0.9999, 1.0):
        assert evaluate(tree, known, max(NOW, NOW + (end - NOW) * share), scope) is truth


@given(trees, snapshots)
def test_looking_again_and_again_misses_no_change(tree: Condition, known: Snapshot) -> None:
    truth, now, looks = evaluate(tree, known, NOW), NOW, 0
    while (at := recheck_at([tree], known, now)) is not None:
        assert at > now
        assert evaluate(tree, known, max(now, at - 2 * SECOND)) is truth
        truth, now, looks = evaluate(tree, known, at), at, looks + 1
        assert looks < 40
    assert evaluate(tree, known, now + days(20_000)) is truth
