"""What moves a lead on its two ladders, and what holds it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.definition.defaults import DEFAULT_LADDERS
from nurture.domain.definition.ladders import Ladders
from nurture.domain.errors import ConflictError
from nurture.domain.events import Event
from nurture.domain.lifecycle.moves import (
    BY_HAND,
    BY_LIFECYCLE,
    BY_PAIRS,
    LadderName,
    Move,
    Wish,
    advance,
    landed,
    move,
)
from nurture.domain.values import Grade, LeadView, Lifecycle, Score, Stage

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)


def lead(**more: object) -> LeadView:
    values: dict[str, Any] = {"id": 1, "address": "a@example.com", "created_at": NOW - 365 * DAY}
    return LeadView(**(values | more))


def snapshot(who: LeadView, *events: tuple[str, datetime]) -> Snapshot:
    known = tuple(Event(id=n, lead_id=1, kind=kind, at=at) for n, (kind, at) in enumerate(events))
    return Snapshot(lead=who, events=known, half_life=MONTH)


def rungs(moves: tuple[Move, ...]) -> list[str]:
    return [move.to.value for move in moves]


def ladders(**parts: Any) -> Ladders:
    lifecycle, stage = parts.pop("lifecycle", []), parts.pop("stage", [])
    return Ladders.model_validate({"lifecycle": {"rules": lifecycle}, "stage": {"rules": stage}, **parts})


def rule(from_: str, to: str, when: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": f"{from_}-{to}", "from": from_, "to": to, "when": when, **more}


ALWAYS = {"all": []}


# --- the built-in rules ------------------------------------------------------------------------


def test_consent_makes_a_suspect_a_lead() -> None:
    moves = advance(snapshot(lead(), ("consent_given", NOW)), DEFAULT_LADDERS, NOW)

    assert [(one.ladder, one.from_, one.to, one.rule, one.at) for one in moves] == [
        (LadderName.LIFECYCLE, Lifecycle.SUSPECT, Lifecycle.LEAD, "gave-details", NOW)
    ]


@pytest.mark.parametrize("fit", [Grade.UNKNOWN, Grade.A, Grade.C])
@pytest.mark.parametrize("request_", ["demo_requested", "quote_requested"])
def test_an_explicit_request_qualifies_and_brings_the_stage_that_it_shows(fit: Grade, request_: str) -> None:
    moves = advance(snapshot(lead(fit=fit), (request_, NOW)), DEFAULT_LADDERS, NOW)

    assert rungs(moves) == ["prospect", "decision"]


def test_an_explicit_request_does_not_qualify_who_does_not_fit() -> None:
    moves = advance(snapshot(lead(fit=Grade.D), ("demo_requested", NOW)), DEFAULT_LADDERS, NOW)

    assert moves == ()


def test_buying_brings_the_action_stage() -> None:
    prospect = lead(lifecycle=Lifecycle.PROSPECT, stage=Stage.DECISION)

    moves = advance(snapshot(prospect, ("purchased", NOW)), DEFAULT_LADDERS, NOW)

    assert [(one.to.value, one.rule) for one in moves] == [("customer", "bought"), ("action", BY_LIFECYCLE)]


def test_a_quiet_prospect_is_recycled_after_its_dwell_and_not_before() -> None:
    prospect = lead(lifecycle=Lifecycle.PROSPECT, stage=Stage.INTEREST, lifecycle_since=NOW, stage_since=NOW)

    assert advance(snapshot(prospect), DEFAULT_LADDERS, NOW + 90 * DAY - timedelta(seconds=1)) == ()
    assert rungs(advance(snapshot(prospect), DEFAULT_LADDERS, NOW + 90 * DAY)) == ["lead"]


# --- rules in general --------------------------------------------------------------------------


def test_the_first_rule_that_holds_moves_and_then_again_until_none_does() -> None:
    rules = ladders(
        lifecycle=[
            rule("lead", "prospect", ALWAYS),
            rule("suspect", "customer", {"tag": "no"}),
            rule("suspect", "lead", ALWAYS),
            rule("suspect", "disqualified", ALWAYS),
        ]
    )

    assert rungs(advance(snapshot(lead()), rules, NOW)) == ["lead", "prospect"]


def test_rules_that_chase_each_other_come_to_rest() -> None:
    rules = ladders(lifecycle=[rule("suspect", "lead", ALWAYS), rule("lead", "suspect", ALWAYS)])

    assert rungs(advance(snapshot(lead()), rules, NOW)) == ["lead"]


def test_events_count_from_the_moment_the_lead_came_to_its_rung() -> None:
    rules = ladders(lifecycle=[rule("suspect", "lead", {"event": "form_submitted"})])
    who = lead(lifecycle_since=NOW - DAY)

    assert advance(snapshot(who, ("form_submitted", NOW - 2 * DAY)), rules, NOW) == ()
    assert rungs(advance(snapshot(who, ("form_submitted", NOW - DAY)), rules, NOW)) == ["lead"]


def test_a_stage_that_does_not_go_with_the_lifecycle_is_passed_over() -> None:
    rules = ladders(
        stage=[rule("awareness", "decision", ALWAYS), rule("awareness", "interest", ALWAYS)],
        pairs={"suspect": ["awareness", "interest"]},
    )

    assert rungs(advance(snapshot(lead()), rules, NOW)) == ["interest"]


def test_a_stage_that_does_not_go_any_more_is_replaced_by_the_first_that_does() -> None:
    rules = ladders(lifecycle=[rule("suspect", "lead", ALWAYS)], pairs={"lead": ["interest", "decision"]})

    moves = advance(snapshot(lead()), rules, NOW)

    assert [(one.to.value, one.rule) for one in moves] == [("lead", "suspect-lead"), ("interest", BY_PAIRS)]


@pytest.mark.parametrize("ladder", ["lifecycle", "stage"])
def test_a_pin_holds_its_ladder_until_it_ends(ladder: str) -> None:
    rules = ladders(
        lifecycle=[rule("suspect", "lead", ALWAYS)], stage=[rule("awareness", "interest", ALWAYS)]
    )
    who = lead(**{f"{ladder}_pinned_until": NOW})
    free = {"lifecycle": "interest", "stage": "lead"}[ladder]

    assert rungs(advance(snapshot(who), rules, NOW - DAY)) == [free]
    assert sorted(rungs(advance(snapshot(who), rules, NOW))) == ["interest", "lead"]


def test_a_pinned_stage_stays_when_the_lifecycle_changes_and_allows_it() -> None:
    rules = ladders(
        lifecycle=[rule("suspect", "lead", ALWAYS)],
        on_lifecycle={"lead": "interest"},
        pairs={"lead": ["awareness", "interest"]},
    )
    who = lead(stage_pinned_until=NOW + DAY)

    assert rungs(advance(snapshot(who), rules, NOW)) == ["lead"]
    assert rungs(advance(snapshot(lead()), rules, NOW)) == ["lead", "interest"]


def test_a_pinned_stage_gives_way_where_the_lifecycle_does_not_allow_it() -> None:
    rules = ladders(
        lifecycle=[rule("suspect", "customer", ALWAYS)],
        on_lifecycle={"customer": "action"},
        pairs={"customer": ["action"]},
    )
    who = lead(stage_pinned_until=NOW + DAY)

    moves = advance(snapshot(who), rules, NOW)

    assert rungs(moves) == ["customer", "action"]
    assert landed(who, moves).stage_pinned_until is None


conditions = st.sampled_from([ALWAYS, {"tag": "t"}, {"event": "purchased"}, {"engagement": {"gte": 10}}])


@st.composite
def any_ladders(draw: st.DrawFn) -> Ladders:
    def rules(names: list[str]) -> list[dict[str, Any]]:
        pairs = draw(
            st.lists(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True), max_size=6)
        )
        return [
            rule(one, other, draw(conditions)) | {"key": str(number)}
            for number, (one, other) in enumerate(pairs)
        ]

    stages = st.lists(st.sampled_from([s.value for s in Stage]), min_size=1, unique=True)
    return ladders(
        lifecycle=rules([one.value for one in Lifecycle]),
        stage=rules([one.value for one in Stage]),
        pairs=draw(st.dictionaries(st.sampled_from([one.value for one in Lifecycle]), stages)),
    )


@given(any_ladders(), st.sampled_from(Lifecycle), st.sampled_from(Stage), st.booleans())
def test_whatever_the_rules_a_lead_comes_to_rest_on_a_pair_that_is_allowed(
    rules: Ladders, lifecycle: Lifecycle, stage: Stage, bought: bool
) -> None:
    who = lead(lifecycle=lifecycle, stage=stage, score=Score(12, NOW), tags={"t": NOW} if bought else {})
    events = [("purchased", NOW)] if bought else []

    moves = advance(snapshot(who, *events), rules, NOW)

    there = landed(who, moves)
    assert there.stage in rules.allowed(there.lifecycle)
    stands = who
    for one in moves:
        assert one.from_ in (stands.lifecycle, stands.stage)
        stands = landed(stands, [one])


# --- moves that somebody asks for --------------------------------------------------------------

PERSON = Wish(1, Lifecycle.PROSPECT, "Met at the fair", "user:7", by_person=True)


def test_a_persons_move_is_pinned() -> None:
    (made, *_) = move(lead(), DEFAULT_LADDERS, PERSON, NOW)

    assert made == Move(
        lead_id=1,
        to=Lifecycle.PROSPECT,
        from_=Lifecycle.SUSPECT,
        at=NOW,
        rule=BY_HAND,
        reason="Met at the fair",
        actor="user:7",
        pinned_until=NOW + MONTH,
    )
    who = landed(lead(), [made])
    assert who.lifecycle_pinned_until == NOW + MONTH


def test_a_persons_move_of_the_lifecycle_takes_the_stage_along() -> None:
    prospect = move(lead(), DEFAULT_LADDERS, PERSON, NOW)
    customer = move(lead(), DEFAULT_LADDERS, replace(PERSON, to=Lifecycle.CUSTOMER), NOW)

    assert [(one.to.value, one.rule) for one in prospect] == [("prospect", BY_HAND), ("interest", BY_PAIRS)]
    assert [(one.to.value, one.rule) for one in customer] == [("customer", BY_HAND), ("action", BY_LIFECYCLE)]


def test_a_stage_that_does_not_go_with_the_lifecycle_is_refused() -> None:
    with pytest.raises(ConflictError, match='with which the stage "action" does not go'):
        move(lead(), DEFAULT_LADDERS, replace(PERSON, to=Stage.ACTION), NOW)


def test_a_stage_may_be_moved_alone() -> None:
    who = lead(lifecycle=Lifecycle.LEAD)

    assert rungs(move(who, DEFAULT_LADDERS, replace(PERSON, to=Stage.INTEREST), NOW)) == ["interest"]


def test_nobody_is_moved_to_where_it_stands() -> None:
    assert move(lead(), DEFAULT_LADDERS, replace(PERSON, to=Lifecycle.SUSPECT), NOW) == ()


def test_a_steps_move_gives_way_to_a_pin_and_a_persons_does_not() -> None:
    who = lead(lifecycle_pinned_until=NOW + DAY)
    step = replace(PERSON, actor="campaign:welcome", by_person=False)

    assert move(who, DEFAULT_LADDERS, step, NOW) == ()
    assert rungs(move(who, DEFAULT_LADDERS, PERSON, NOW))[0] == "prospect"
    (made, *_) = move(lead(), DEFAULT_LADDERS, step, NOW)
    assert made.pinned_until is None
