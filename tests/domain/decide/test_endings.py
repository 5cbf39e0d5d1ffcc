"""What ends or holds a passage, whatever step it stands at."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from nurture.domain.decide import (
    Exit,
    Note,
    Passage,
    QueueMessage,
    ReachGoal,
    SleepUntil,
    decide,
)
from nurture.domain.events import Event, EventKind
from nurture.domain.values import LeadView, Lifecycle, Stage
from tests.domain.decide.scenes import ANA, DAY, HOUR, NOW, ONE, acts, flow, fresh, known, notes

SLEEPY = "steps: [{key: rest, wait: {for: P30D}}]"


def asleep(**values: Any) -> Passage:
    return fresh(**{"position": "rest", "held_until": NOW + 30 * DAY, "entered_at": NOW - 5 * DAY, **values})


def test_an_exit_condition_ends_the_passage_at_whatever_wake() -> None:
    exits = flow(SLEEPY, exit=[{"tag": "gone"}, {"lifecycle": "customer"}])
    effects = decide(exits, asleep(), known(replace(ANA, lifecycle=Lifecycle.CUSTOMER)), NOW)
    assert effects[-1] == Exit("exited", "exit_condition")
    assert effects[0] == Note(
        "rest",
        "exited",
        "exit_condition",
        "An exit condition holds: lifecycle is customer.",
        {"lifecycle is customer": "customer"},
    )


def test_an_exit_that_says_what_must_not_be_gives_its_reason() -> None:
    effects = decide(flow(SLEEPY, exit=[{"none": [{"tag": "vip"}]}]), asleep(), known(), NOW)
    assert isinstance(effects[0], Note)
    assert effects[0].sentence == 'An exit condition holds: not has the tag "vip".'


def test_the_goal_completes_the_passage_as_a_success_before_any_exit() -> None:
    campaign = flow(
        SLEEPY,
        goal={"event": "demo_requested", "where": {"form": "demo"}, "within": "P10D"},
        exit=[{"lifecycle": "lead"}],
    )
    demo = Event(7, 1, EventKind.DEMO_REQUESTED, NOW - HOUR, data={"form": "demo"})
    effects = decide(campaign, asleep(), known(ANA, demo), NOW)
    assert acts(effects) == [ReachGoal(NOW - HOUR), Exit("completed", "goal")]


@pytest.mark.parametrize(
    "event",
    [
        Event(7, 1, EventKind.DEMO_REQUESTED, NOW - 6 * DAY, data={"form": "demo"}),
        Event(7, 1, EventKind.DEMO_REQUESTED, NOW - HOUR, data={"form": "other"}),
        Event(7, 1, EventKind.QUOTE_REQUESTED, NOW - HOUR, data={"form": "demo"}),
    ],
    ids=["before it entered", "another form", "another kind"],
)
def test_what_is_not_the_goal_does_not_end_the_passage(event: Event) -> None:
    campaign = flow(SLEEPY, goal={"event": "demo_requested", "where": {"form": "demo"}, "within": "P10D"})
    assert isinstance(decide(campaign, asleep(), known(ANA, event), NOW)[-1], SleepUntil)


def test_a_goal_reached_too_late_is_not_reached() -> None:
    campaign = flow(SLEEPY, goal={"event": "demo_requested", "within": "P10D"})
    for days, reached in ((9, True), (10, False)):
        entered = NOW - days * DAY
        demo = Event(7, 1, EventKind.DEMO_REQUESTED, NOW)
        effects = decide(campaign, asleep(entered_at=entered), known(ANA, demo), NOW)
        assert isinstance(effects[-1], Exit) is reached


def test_a_goal_may_be_a_condition() -> None:
    campaign = flow(SLEEPY, goal={"when": {"tag": "won"}, "within": "P10D"})
    won = known(replace(ANA, tags={"won": NOW}))
    assert acts(decide(campaign, asleep(), won, NOW))[0] == ReachGoal(NOW)
    assert isinstance(decide(campaign, asleep(entered_at=NOW - 10 * DAY), won, NOW)[-1], SleepUntil)
    assert isinstance(decide(campaign, asleep(), known(), NOW)[-1], SleepUntil)


def test_a_goal_is_reached_once() -> None:
    campaign = flow(SLEEPY, goal={"when": {"tag": "won"}, "within": "P10D"})
    won = known(replace(ANA, tags={"won": NOW}))
    assert isinstance(decide(campaign, asleep(goal_at=NOW - DAY), won, NOW)[-1], SleepUntil)


def test_leaving_its_stage_ends_a_stage_campaign() -> None:
    moved = replace(ANA, stage=Stage.INTEREST, stage_since=NOW - DAY)
    effects = decide(flow(SLEEPY, stage="awareness"), asleep(), known(moved), NOW)
    assert effects[-1] == Exit("exited", "left_stage")
    assert isinstance(
        decide(flow(SLEEPY, stage="awareness", stay=True), asleep(), known(moved), NOW)[-1], SleepUntil
    )
    assert isinstance(decide(flow(SLEEPY, stage="awareness"), asleep(), known(), NOW)[-1], SleepUntil)


@pytest.mark.parametrize("since", [None, NOW - 6 * DAY])
def test_who_was_never_in_the_stage_has_not_left_it(since: datetime | None) -> None:
    elsewhere = replace(ANA, stage=Stage.INTEREST, stage_since=since)
    assert isinstance(
        decide(flow(SLEEPY, stage="awareness"), asleep(), known(elsewhere), NOW)[-1], SleepUntil
    )


@pytest.mark.parametrize(
    ("lead", "why"),
    [
        (replace(ANA, mailable=False), "not_mailable"),
        (replace(ANA, refused_topics=frozenset({"product"})), "topic_refused"),
    ],
)
def test_who_wants_no_mail_leaves_a_campaign_that_sends(lead: LeadView, why: str) -> None:
    text = "steps: [{key: rest, wait: {for: P30D}}, {key: one, send: {template: letters/one}}]"
    effects = decide(flow(text, topic="product"), asleep(), known(lead), NOW)
    assert effects[-1] == Exit("exited", why)
    assert isinstance(decide(flow(SLEEPY, topic="product"), asleep(), known(lead), NOW)[-1], SleepUntil)


TALKING = replace(ANA, conversation_since=NOW - HOUR)


def test_a_conversation_freezes_what_is_left_of_a_wait() -> None:
    effects = decide(flow(SLEEPY), asleep(), known(TALKING), NOW)
    assert notes(effects) == [("rest", "waits", "conversation")]
    sleep = SleepUntil("rest", NOW, NOW + DAY, held_until=NOW + 30 * DAY, frozen=30 * DAY)
    assert acts(effects) == [sleep]
    later = asleep(frozen=30 * DAY)
    assert decide(flow(SLEEPY), later, known(TALKING), NOW + DAY) == (replace(sleep, due_at=NOW + 2 * DAY),)


def test_behind_a_conversation_the_rest_of_the_wait_is_waited_for() -> None:
    effects = decide(flow(SLEEPY), asleep(frozen=4 * DAY), known(), NOW + 10 * DAY)
    assert effects == (SleepUntil("rest", NOW, NOW + 14 * DAY, held_until=NOW + 14 * DAY),)


def test_a_conversation_holds_a_send_too() -> None:
    (sleep,) = acts(decide(flow(ONE), fresh(), known(TALKING), NOW))
    assert sleep == SleepUntil(None, NOW, NOW + DAY, frozen=timedelta(0))
    over = fresh(frozen=timedelta(0))
    assert isinstance(acts(decide(flow(ONE), over, known(), NOW + DAY))[0], QueueMessage)


def test_a_wait_that_ran_out_before_the_conversation_has_nothing_left() -> None:
    (sleep,) = acts(decide(flow(SLEEPY), asleep(held_until=NOW - DAY), known(TALKING), NOW))
    assert isinstance(sleep, SleepUntil)
    assert sleep.frozen == timedelta(0)


def test_a_campaign_may_go_on_during_a_conversation() -> None:
    effects = decide(flow(ONE, on_reply="continue"), fresh(), known(TALKING), NOW)
    assert isinstance(acts(effects)[0], QueueMessage)


def test_an_exit_counts_during_a_conversation() -> None:
    exits = flow(SLEEPY, exit=[{"lifecycle": "lead"}])
    assert decide(exits, asleep(), known(TALKING), NOW)[-1] == Exit("exited", "exit_condition")
