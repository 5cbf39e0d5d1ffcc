"""How passages end, are frozen, or fail, and who else goes on."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from nurture.clock import FixedClock
from nurture.services.tick import tick
from nurture.services.tick.load import load
from nurture.store.enrollments import claim_unchanged, wake, wake_leads
from nurture.store.schema import (
    CampaignVersion,
    ReadPiece,
)
from tests.support.stage import Stage

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

ONE = "steps: [{key: one, send: {template: letters/one}}]"
SLEEPY = """
steps:
  - {key: rest, wait: {for: P30D, or_until: {message: clicked, step: one}}}
  - {key: one, send: {template: letters/one}}
"""
STREAMS = "streams: [{slug: studies, folder: studies, pick: next}]"


def a_stream(stage: Stage, *slugs: str) -> None:
    stage.document("streams", STREAMS)
    for order, slug in enumerate(slugs):
        stage.template(f"studies/{slug}", kind="case_study", order=order)


def test_who_leaves_gets_nothing_that_was_queued(stage: Stage) -> None:
    a_stream(stage, "a")
    campaign = stage.campaign(
        "exit: [{lifecycle: customer}]\n"
        "steps: [{key: one, send: {stream: studies}}, {key: rest, wait: {for: P9D}}]"
    )
    lead = stage.lead()
    enrollment = stage.enroll(campaign, lead)
    stage.tick()
    stage.change(lead, lifecycle="customer")
    stage.write(lambda session: wake_leads(session, [lead], stage.now))
    stage.tick()
    assert stage.enrollment(enrollment).status == "exited"
    assert [message.state for message in stage.messages()] == ["cancelled"]
    assert stage.pieces(lead) == []


def test_the_goal_is_noted_and_stops_the_mail(stage: Stage) -> None:
    stage.template("letters/one")
    campaign = stage.campaign(
        "goal: {event: demo_requested, within: P30D}\n"
        "steps: [{key: one, send: {template: letters/one}}, {key: rest, wait: {for: P9D}}]"
    )
    lead = stage.lead()
    enrollment = stage.enroll(campaign, lead)
    stage.tick()
    stage.clock.advance(DAY)
    stage.happens(lead, "demo_requested")
    asked_at = stage.now
    stage.clock.advance(HOUR)
    stage.write(lambda session: wake_leads(session, [lead], stage.now))
    stage.tick()
    ended = stage.enrollment(enrollment)
    assert (ended.status, ended.reason, ended.goal_at, ended.ended_at) == (
        "completed",
        "goal",
        asked_at,
        stage.now,
    )
    assert [message.state for message in stage.messages()] == ["cancelled"]


def test_a_regular_end_leaves_what_is_queued_on_its_way(stage: Stage) -> None:
    stage.template("letters/one")
    stage.enroll(stage.campaign(ONE), stage.lead())
    stage.tick()
    assert [message.state for message in stage.messages()] == ["pending"]


def test_who_unsubscribed_meanwhile_leaves(stage: Stage) -> None:
    stage.template("letters/one")
    lead = stage.lead()
    enrollment = stage.enroll(stage.campaign(SLEEPY), lead)
    stage.tick()
    stage.change(lead, mailable=False)
    stage.write(lambda session: wake_leads(session, [lead], stage.now))
    stage.tick()
    assert stage.enrollment(enrollment).reason == "not_mailable"


def test_a_conversation_freezes_a_passage_and_its_end_thaws_it(stage: Stage) -> None:
    stage.template("letters/one")
    lead = stage.lead()
    enrollment = stage.enroll(stage.campaign(SLEEPY), lead)
    stage.tick()
    stage.clock.advance(9 * DAY)
    stage.change(lead, conversation_since=stage.now)
    stage.write(lambda session: wake_leads(session, [lead], stage.now))
    stage.tick()
    assert stage.enrollment(enrollment).frozen_wait_seconds == 21 * 86400 - 3600
    for _ in range(5):
        stage.clock.advance(DAY)
        assert stage.tick() == 1
    stage.change(lead, conversation_since=None)
    stage.write(lambda session: wake_leads(session, [lead], stage.now))
    stage.tick()
    assert stage.due_at(enrollment) == stage.now + 21 * DAY - HOUR
    assert stage.enrollment(enrollment).frozen_wait_seconds is None


def test_a_poisoned_passage_fails_with_its_error_and_the_others_go_on(stage: Stage) -> None:
    stage.template("letters/one")
    good, bad = stage.campaign(f"slug: good\n{ONE}"), stage.campaign(f"slug: bad\n{ONE}")
    stage.write(
        lambda session: session.execute(
            update(CampaignVersion)
            .where(CampaignVersion.campaign_id == bad)
            .values(definition={"slug": "bad"}, digest="bad")
        )
    )
    lead = stage.lead()
    lacking = stage.campaign("slug: lacking\nsteps: [{key: one, send: {template: letters/none}}]")
    failed = [stage.enroll(bad, lead), stage.enroll(lacking, lead)]
    fine = stage.enroll(good, lead)
    stage.tick()
    assert stage.enrollment(fine).status == "completed"
    assert [stage.enrollment(key).status for key in failed] == ["failed", "failed"]
    assert "cannot be read" in str(stage.enrollment(failed[0]).reason)
    assert 'There is no template "letters/none"' in str(stage.enrollment(failed[1]).reason)
    assert stage.decisions(campaign="lacking") == [("failed", "error")]
    assert stage.due_at(failed[0]) is None


def test_what_the_database_refuses_fails_that_lead_alone(stage: Stage) -> None:
    """A message that is there although the log of the passage does not know it: it must not be sent twice."""
    a_stream(stage, "a")
    campaign = stage.campaign("steps: [{key: one, send: {stream: studies}}]")
    leads = [stage.lead() for _ in range(3)]
    enrollments = [stage.enroll(campaign, lead) for lead in leads]
    with stage.runtime.read() as session:
        work = load(session, "UTC", stage.now, 10)
    assert len(work.leads) == 3
    stage.write(lambda session: session.add(ReadPiece(lead_id=leads[1], piece="studies/a", at=stage.now)))
    stage.tick_with(work)
    assert [stage.enrollment(key).status for key in enrollments] == ["completed", "failed", "completed"]
    assert "IntegrityError" in str(stage.enrollment(enrollments[1]).reason)
    assert len(stage.messages()) == 2


def test_what_changed_while_it_was_decided_is_decided_again(stage: Stage) -> None:
    stage.template("letters/one")
    campaign = stage.campaign(ONE)
    lead, other = stage.lead(), stage.lead()
    enrollment = stage.enroll(campaign, lead)
    stage.enroll(campaign, other)
    with stage.runtime.read() as session:
        work = load(session, "UTC", stage.now, 10)
    stage.write(lambda session: wake(session, [enrollment], stage.now))
    assert stage.tick_with(work) == 1
    assert [message.lead_id for message in stage.messages()] == [other]
    stage.tick()
    assert [message.lead_id for message in stage.messages()] == [other, lead]


def test_a_second_worker_that_decided_the_same_writes_nothing(stage: Stage) -> None:
    stage.template("letters/one")
    stage.enroll(stage.campaign(ONE), stage.lead())
    with stage.runtime.read() as session:
        work = load(session, "UTC", stage.now, 10)
    assert stage.tick_with(work) == 1
    assert stage.tick_with(work) == 0
    assert len(stage.messages()) == 1


def test_a_new_enrollment_of_the_lead_is_a_change_too(stage: Stage) -> None:
    stage.template("letters/one")
    lead = stage.lead()
    stage.enroll(stage.campaign(f"slug: a\n{ONE}"), lead)
    with stage.runtime.read() as session:
        work = load(session, "UTC", stage.now, 10)
    stage.enroll(stage.campaign(f"slug: b\n{ONE}"), lead)
    with stage.runtime.write() as session:
        assert claim_unchanged(session, work.seen) == set()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_lead_that_another_worker_holds_is_left_to_it(engine: Engine, clock: FixedClock) -> None:
    stage = Stage(engine, clock)
    stage.template("letters/one")
    campaign = stage.campaign(ONE)
    held, free = stage.lead(), stage.lead()
    for lead in (held, free):
        stage.enroll(campaign, lead)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT 1 FROM lead WHERE id = {held} FOR UPDATE")
        assert tick(stage.runtime, stage.now, 10) == 1
    assert [message.lead_id for message in stage.messages()] == [free]
    assert tick(stage.runtime, stage.now, 10) == 1


def test_what_came_due_in_a_paused_or_stopped_campaign_is_frozen_or_ended(stage: Stage) -> None:
    stage.template("letters/one")
    paused, stopped = stage.campaign(f"slug: a\n{ONE}"), stage.campaign(f"slug: b\n{ONE}")
    lead = stage.lead()
    frozen, ended = stage.enroll(paused, lead), stage.enroll(stopped, lead)
    stage.campaign(f"slug: a\n{ONE}", status="paused")
    stage.campaign(f"slug: b\n{ONE}", status="stopped")
    stage.tick()
    assert stage.messages() == []
    assert stage.enrollment(frozen).status == "paused"
    assert (stage.enrollment(ended).status, stage.enrollment(ended).reason) == ("exited", "campaign_stopped")


def test_no_more_leads_are_decided_at_a_time_than_asked(stage: Stage) -> None:
    stage.template("letters/one")
    campaign = stage.campaign(ONE)
    for _ in range(5):
        stage.enroll(campaign, stage.lead())
    assert tick(stage.runtime, stage.now, 2) == 2
    assert tick(stage.runtime, stage.now, 100) == 3
    assert tick(stage.runtime, stage.now, 100) == 0
