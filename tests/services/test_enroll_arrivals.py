"""Leads that enter because something happened to them, or by hand."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from nurture.domain.errors import ConflictError, NotFound
from nurture.domain.events import Event, Verdict
from nurture.services.enroll import enter_by_events, enter_manually
from nurture.store.schema import (
    Campaign,
    CampaignVersion,
)
from tests.support.entering import causes, finish
from tests.support.stage import Stage

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
REST = "steps: [{key: rest, wait: {for: P3D}}]"
MAIL = "topic: product\nsteps: [{key: one, send: {template: letters/one}}]"
BY_LIFECYCLE = f"entry: {{when: {{lifecycle: lead}}}}\n{REST}"


def happened(stage: Stage, lead: int, kind: str = "purchased", number: int = 1, **values: Any) -> Event:
    return Event(number, lead, kind, stage.now, **values)


def enter(stage: Stage, *events: Event) -> int:
    return int(stage.write(lambda session: enter_by_events(session, events, "UTC", stage.now)))


def test_an_event_lets_its_lead_in_once(stage: Stage) -> None:
    stage.campaign(f"entry: {{event: purchased, where: {{plan: [gold, silver]}}, reentry: always}}\n{REST}")
    lead = stage.lead()
    gold = happened(stage, lead, data={"plan": "gold"})
    assert enter(stage, gold) == 1
    finish(stage, lead)
    assert enter(stage, gold) == 0
    assert enter(stage, happened(stage, lead, number=2, data={"plan": "silver"})) == 1
    assert causes(stage, lead) == ["event:1", "event:2"]
    assert stage.decisions(outcome="entered") == [("entered", "event"), ("entered", "event")]


def test_other_events_let_nobody_in(stage: Stage) -> None:
    stage.campaign(f"entry: {{event: email_clicked, where: {{link: '1'}}}}\n{REST}")
    lead = stage.lead()
    others: Sequence[Event] = (
        happened(stage, lead, "purchased"),
        happened(stage, lead, "email_clicked", verdict=Verdict.HUMAN, data={"link": "2"}),
        happened(stage, lead, "email_clicked", verdict=Verdict.MACHINE, data={"link": "1"}),
        happened(stage, 99, "email_clicked", verdict=Verdict.HUMAN, data={"link": "1"}),
    )
    assert enter(stage, *others) == 0
    assert (
        enter(stage, happened(stage, lead, "email_clicked", verdict=Verdict.HUMAN, data={"link": "1"})) == 1
    )


def test_what_happened_before_the_campaign_started_lets_nobody_in(stage: Stage) -> None:
    stage.campaign(f"entry: {{event: purchased}}\n{REST}")
    lead = stage.lead()
    old = Event(1, lead, "purchased", stage.now - timedelta(seconds=1))
    assert enter(stage, old) == 0
    stage.write(lambda session: session.execute(update(Campaign).values(started_at=None)))
    assert enter(stage, old) == 1


@pytest.mark.parametrize(
    ("reentry", "days", "enters"), [("never", 99, 0), ("{after: P30D}", 29, 0), ("{after: P30D}", 30, 1)]
)
def test_an_event_lets_in_again_as_reentry_says(stage: Stage, reentry: str, days: int, enters: int) -> None:
    stage.campaign(f"entry: {{event: purchased, reentry: {reentry}}}\n{REST}")
    lead = stage.lead(zone="UTC")
    enter(stage, happened(stage, lead))
    finish(stage, lead)
    stage.clock.advance(days * DAY)
    assert enter(stage, happened(stage, lead, number=2)) == enters


def test_of_two_events_at_a_time_the_first_is_the_reason(stage: Stage) -> None:
    stage.campaign(f"entry: {{event: purchased, reentry: always}}\n{REST}")
    lead = stage.lead()
    assert enter(stage, happened(stage, lead), happened(stage, lead, number=2)) == 1
    assert causes(stage, lead) == ["event:1"]


def test_leads_are_put_in_by_hand_and_a_batch_counts_once(stage: Stage) -> None:
    stage.campaign(f"entry: {{manual: true, reentry: always}}\n{REST}")
    leads = [stage.lead() for _ in range(3)]
    assert enter_manually(stage.runtime, "welcome", [*leads, *leads, 99], "b1", stage.now) == 3
    for lead in leads:
        finish(stage, lead)
    assert enter_manually(stage.runtime, "welcome", leads, "b1", stage.now) == 0
    assert enter_manually(stage.runtime, "welcome", leads[:1], "b2", stage.now) == 1
    assert causes(stage, leads[0]) == ["manual:b1", "manual:b2"]


def test_by_hand_too_nobody_enters_without_consent_or_twice(stage: Stage) -> None:
    stage.campaign(f"entry: {{manual: true}}\n{MAIL}")
    fine, refusing = stage.lead(), stage.lead(mailable=False)
    assert enter_manually(stage.runtime, "welcome", [fine, refusing], "b1", stage.now) == 1
    assert enter_manually(stage.runtime, "welcome", [fine], "b2", stage.now) == 0


def test_nobody_is_put_into_what_does_not_run(stage: Stage) -> None:
    with pytest.raises(NotFound, match='no campaign "welcome"'):
        enter_manually(stage.runtime, "welcome", [1], "b1", stage.now)
    stage.campaign(REST, status="draft")
    with pytest.raises(ConflictError, match="is draft"):
        enter_manually(stage.runtime, "welcome", [1], "b1", stage.now)
    stage.campaign(REST)
    stage.write(
        lambda session: session.execute(
            update(CampaignVersion).values(definition={"slug": "x"}, digest="broken")
        )
    )
    with pytest.raises(ConflictError, match="no version that can be read"):
        enter_manually(stage.runtime, "welcome", [1], "b1", stage.now)
