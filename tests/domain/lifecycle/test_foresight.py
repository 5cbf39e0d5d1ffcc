"""What time alone will change on the ladders is known before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.conditions.tree import EventTest
from nurture.domain.definition.defaults import DEFAULT_LADDERS
from nurture.domain.definition.ladders import Ladders
from nurture.domain.events import Event
from nurture.domain.lifecycle.foresight import event_kinds, recheck_at
from nurture.domain.lifecycle.moves import advance, landed
from nurture.domain.values import LeadView, Lifecycle, Score, Stage

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)


def snapshot(*events: Event, **more: Any) -> Snapshot:
    values: dict[str, Any] = {"id": 1, "address": "a@example.com", "created_at": NOW - 365 * DAY}
    return Snapshot(lead=LeadView(**(values | more)), events=events, half_life=MONTH)


def test_a_dwell_is_waited_for() -> None:
    prospect = snapshot(
        lifecycle=Lifecycle.PROSPECT, lifecycle_since=NOW, stage=Stage.INTEREST, stage_since=NOW
    )

    assert recheck_at(prospect, DEFAULT_LADDERS, NOW) == NOW + 90 * DAY


def test_a_pin_is_waited_for() -> None:
    pinned = snapshot(lifecycle_pinned_until=NOW + DAY)

    assert recheck_at(pinned, DEFAULT_LADDERS, NOW) == NOW + DAY


def test_a_score_that_falls_is_waited_for() -> None:
    cooling = snapshot(
        lifecycle=Lifecycle.PROSPECT,
        lifecycle_since=NOW - 100 * DAY,
        stage=Stage.INTEREST,
        stage_since=NOW - 300 * DAY,
        score=Score(30, NOW),
    )

    # Half of 30 points are left after a half-life, and below 15 the prospect is recycled.
    assert recheck_at(cooling, DEFAULT_LADDERS, NOW) == NOW + MONTH + timedelta(seconds=1)


def test_who_waits_for_events_alone_is_left_alone() -> None:
    assert recheck_at(snapshot(), DEFAULT_LADDERS, NOW) is None


def test_rules_to_stages_that_are_not_allowed_are_not_waited_for() -> None:
    rules = Ladders.model_validate(
        {
            "stage": {
                "rules": [
                    {"key": "up", "from": "awareness", "to": "action", "when": {"all": []}, "dwell": "P9D"}
                ]
            },
            "pairs": {"suspect": ["awareness"]},
        }
    )

    assert recheck_at(snapshot(stage_since=NOW), rules, NOW) is None


@given(
    st.integers(0, 200),
    st.integers(0, 200),
    st.floats(0, 100),
    st.sampled_from(
        [
            (Lifecycle.LEAD, Stage.AWARENESS),
            (Lifecycle.LEAD, Stage.INTEREST),
            (Lifecycle.PROSPECT, Stage.INTEREST),
            (Lifecycle.PROSPECT, Stage.DECISION),
        ]
    ),
    st.integers(1, 300),
)
def test_until_then_no_rule_moves_the_lead(
    lifecycle_days: int, stage_days: int, points: float, rungs: tuple[Lifecycle, Stage], later: int
) -> None:
    who = snapshot(
        Event(id=1, lead_id=1, kind="call_logged", at=NOW - 50 * DAY),
        lifecycle=rungs[0],
        lifecycle_since=NOW - lifecycle_days * DAY,
        stage=rungs[1],
        stage_since=NOW - stage_days * DAY,
        score=Score(points, NOW),
    )
    at_rest = Snapshot(landed(who.lead, advance(who, DEFAULT_LADDERS, NOW)), who.events, MONTH)

    foreseen = recheck_at(at_rest, DEFAULT_LADDERS, NOW)

    moment = NOW + later * DAY
    if advance(at_rest, DEFAULT_LADDERS, moment):
        assert foreseen is not None
        assert foreseen <= moment


def test_the_kinds_of_events_that_ladders_count_include_those_of_segments() -> None:
    rules = Ladders.model_validate(
        {
            "lifecycle": {
                "rules": [
                    {
                        "key": "k",
                        "from": "suspect",
                        "to": "lead",
                        "when": {"any": [{"segment": "callers"}, {"none": [{"event": "purchased"}]}]},
                    }
                ]
            }
        }
    )

    kinds = event_kinds(rules, {"callers": EventTest(event="call_logged")})

    assert kinds == {"purchased", "call_logged"}


@pytest.mark.parametrize("kind", ["demo_requested", "consent_given", "asset_downloaded"])
def test_the_built_in_ladders_count_what_leads_ask_for(kind: str) -> None:
    assert kind in event_kinds(DEFAULT_LADDERS, {})
