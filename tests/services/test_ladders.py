"""Fit and ladders looked at again, and moves made by people and steps."""

from datetime import timedelta

import pytest

from nurture.domain.errors import ConflictError, NotFound
from nurture.domain.lifecycle.moves import Wish
from nurture.domain.values import Grade, Lifecycle, Stage
from nurture.services.house import load_house
from nurture.services.ladders import Snapshots, move_by_person, move_leads, reconsider
from nurture.store.schema import AuditEntry, EventRow, LadderChange, Lead, Recheck
from tests.support.stage import Stage as House

SCORING = """
bands: {"1": 60, "2": 30, "3": 10}
fit:
  grades: {A: 70, B: 45, C: 20}
  rules: [{key: retail, when: {field: company.industry, value: retail}, points: 50}]
"""
PERSON = Wish(1, Lifecycle.PROSPECT, "Met at the fair", "user:7", by_person=True)
STEP = Wish(1, Lifecycle.PROSPECT, "Step mark", "campaign:welcome", by_person=False)


@pytest.fixture
def house(stage: House) -> House:
    """A house that knows who fits."""
    stage.document("scoring", SCORING)
    return stage


def again(house: House, *leads: int) -> Snapshots:
    return house.write(lambda s: reconsider(s, load_house(s), leads, house.now))  # type: ignore[no-any-return]


def by_person(house: House, wish: Wish) -> None:
    house.write(lambda s: move_by_person(s, load_house(s), wish, house.now))


def test_a_company_that_became_known_gives_a_fit(house: House) -> None:
    fits, other = house.lead(company={"industry": "retail"}), house.lead()

    snapshots = again(house, fits, other)

    assert [house.rows(Lead, id=lead)[0].fit for lead in (fits, other)] == ["B", "–"]
    assert snapshots[fits].lead.fit == Grade.B


def test_time_alone_recycles_a_prospect_once(house: House) -> None:
    lead = house.lead(lifecycle="prospect", stage="interest")
    campaign = house.campaign("steps: [{key: pause, wait: {for: P30D}}]")
    enrollment = house.enroll(campaign, lead)
    house.tick()
    house.clock.advance(timedelta(days=1))

    snapshots = again(house, lead)
    again(house, lead)

    assert snapshots[lead].lead.lifecycle == Lifecycle.LEAD
    (change,) = house.rows(LadderChange, ladder="lifecycle")
    assert (change.from_, change.to, change.rule, change.at) == ("prospect", "lead", "recycled", house.now)
    assert house.due_at(enrollment) == house.now


def test_events_that_still_wait_do_not_count(house: House) -> None:
    lead = house.lead()
    house.happens(lead, "demo_requested", processed=False)

    snapshots = again(house, lead)

    assert snapshots[lead].events == ()
    assert house.rows(LadderChange) == []


def test_a_persons_move_is_pinned_against_the_rules_for_the_time_stated(house: House) -> None:
    lead = house.lead()
    by_person(house, Wish(lead, Lifecycle.SUSPECT, "A wrong address", "user:7", by_person=True))
    house.happens(lead, "form_submitted")

    house.clock.advance(timedelta(days=29))
    again(house, lead)
    assert house.rows(Lead)[0].lifecycle == "suspect"

    house.clock.advance(timedelta(days=1))
    again(house, lead)
    assert house.rows(Lead)[0].lifecycle == "lead"


def test_a_persons_move_is_written_everywhere(house: House) -> None:
    lead = house.lead()

    by_person(house, PERSON)

    (row,) = house.rows(Lead)
    assert (row.lifecycle, row.stage, row.lifecycle_since) == ("prospect", "interest", house.now)
    changes = [(change.ladder, change.to, change.actor) for change in house.rows(LadderChange)]
    assert changes == [("lifecycle", "prospect", "user:7"), ("stage", "interest", "nurture")]
    assert {event.kind for event in house.rows(EventRow)} == {"moved"}
    assert [entry.action for entry in house.rows(AuditEntry)] == ["move", "move"]
    assert [recheck.lead_id for recheck in house.rows(Recheck)] == [lead]


def test_nobody_can_be_moved_who_is_not_there(house: House) -> None:
    with pytest.raises(NotFound, match="lead 1"):
        by_person(house, PERSON)


def test_a_stage_that_does_not_go_with_the_lifecycle_is_refused(house: House) -> None:
    house.lead()

    with pytest.raises(ConflictError, match='the stage "action"'):
        by_person(house, Wish(1, Stage.ACTION, "", "user:7", by_person=True))

    assert house.rows(LadderChange) == []


def test_steps_move_many_leads_and_give_way_to_pins(house: House) -> None:
    free, pinned = house.lead(), house.lead(lifecycle_pinned_until=house.now + timedelta(days=1))
    wishes = [STEP, Wish(pinned, Lifecycle.PROSPECT, "Step mark", "campaign:welcome", by_person=False)]

    house.write(
        lambda s: move_leads(s, load_house(s), [*wishes, Wish(99, Stage.ACTION, "", "", False)], house.now)
    )

    assert [house.rows(Lead, id=lead)[0].lifecycle for lead in (free, pinned)] == ["prospect", "lead"]
