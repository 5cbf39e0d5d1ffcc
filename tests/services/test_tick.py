"""Deciding for every enrollment that is due, on real databases and a virtual clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from nurture.store.enrollments import wake, wake_leads
from nurture.store.schema import (
    Decision,
    Due,
    Enrollment,
    Recheck,
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


def test_a_passage_goes_from_mail_to_wait_to_mail_to_its_end(stage: Stage) -> None:
    for slug in ("letters/one", "letters/two"):
        stage.template(slug)
    campaign = stage.campaign("""
        topic: product
        identity: sales
        priority: 70
        steps:
          - {key: one, send: {template: letters/one}}
          - {key: rest, wait: {for: P3D}}
          - {key: two, send: {template: letters/two}}
    """)
    lead = stage.lead()
    enrollment = stage.enroll(campaign, lead)

    stage.tick()
    (message,) = stage.messages()
    assert (message.step, message.state, message.kind, message.lead_id) == (
        "one",
        "pending",
        "campaign",
        lead,
    )
    assert (message.topic, message.identity, message.priority) == ("product", "sales", 70)
    assert (message.campaign_id, message.enrollment_id, message.occurrence) == (campaign, enrollment, 0)
    assert (message.planned_at, message.due_at, len(message.mid)) == (stage.now, stage.now, 26)
    assert stage.enrollment(enrollment).position == "rest"
    assert stage.due_at(enrollment) == stage.now + 3 * DAY

    stage.clock.advance(3 * DAY - timedelta(seconds=1))
    assert stage.tick() == 0
    stage.clock.advance(timedelta(seconds=1))
    stage.tick()
    assert [message.step for message in stage.messages()] == ["one", "two"]
    ended = stage.enrollment(enrollment)
    assert (ended.status, ended.reason, ended.ended_at) == ("completed", "end", stage.now)
    assert stage.due_at(enrollment) is None
    assert stage.rows(Recheck, lead_id=lead)[0].at == stage.now
    assert stage.decisions() == [
        ("queued", "due"),
        ("waits", "wait"),
        ("queued", "due"),
        ("completed", "end"),
    ]
    assert datetime(2026, 3, 5, 10, tzinfo=UTC) == stage.now


def test_every_message_has_one_line_that_says_it_was_queued(stage: Stage) -> None:
    stage.template("letters/one")
    campaign = stage.campaign(ONE)
    for _ in range(3):
        stage.enroll(campaign, stage.lead())
    stage.tick()
    queued = [row.message_id for row in stage.rows(Decision, outcome="queued")]
    assert sorted(queued) == [message.id for message in stage.messages()]


@pytest.mark.parametrize(
    ("language", "variant"), [("pt", "pt"), ("pt-BR", "pt"), ("fr", ""), (None, ""), ("PT", "pt")]
)
def test_a_lead_is_written_to_in_its_language_where_there_is_one(
    stage: Stage, language: str | None, variant: str
) -> None:
    stage.template("letters/one", "pt")
    stage.enroll(stage.campaign(ONE), stage.lead(language=language))
    stage.tick()
    wanted = {row.language: row.version_id for row in stage.templates("letters/one")}
    assert stage.messages()[0].template_version_id == wanted[variant]


def test_an_event_wakes_a_wait_and_does_not_move_its_end(stage: Stage) -> None:
    stage.template("letters/one")
    enrollment = stage.enroll(stage.campaign(SLEEPY), stage.lead())
    stage.tick()
    end = stage.now + 30 * DAY
    stage.clock.advance(4 * DAY)
    stage.write(lambda session: wake(session, [enrollment], stage.now))
    assert stage.due_at(enrollment) == stage.now
    assert stage.tick() == 1
    # Lisbon's clocks go forward meanwhile: thirty days by the calendar are an hour less.
    assert stage.due_at(enrollment) == end - HOUR
    assert stage.decisions() == [("waits", "wait")]


def test_a_click_ends_a_wait_once_it_counts(stage: Stage) -> None:
    stage.template("letters/one")
    lead = stage.lead()
    enrollment = stage.enroll(stage.campaign(SLEEPY), lead)
    stage.tick()
    stage.clock.advance(DAY)
    clicked: dict[str, Any] = {"verdict": "human", "enrollment_id": enrollment, "step": "one"}
    stage.happens(lead, "email_clicked", processed=False, **clicked)
    stage.write(lambda session: wake_leads(session, [lead], stage.now))
    stage.tick()
    assert stage.messages() == []
    stage.happens(lead, "email_clicked", **clicked)
    stage.write(lambda session: wake_leads(session, [lead], stage.now))
    stage.tick()
    assert [message.step for message in stage.messages()] == ["one"]


def test_the_end_of_a_pause_is_not_woken(stage: Stage) -> None:
    enrollment = stage.enroll(stage.campaign(SLEEPY), stage.lead())
    stage.write(lambda session: session.execute(update(Enrollment).values(status="paused")))
    stage.write(lambda session: session.execute(update(Due).values(due_at=stage.now + 99 * DAY)))
    stage.write(lambda session: wake(session, [enrollment], stage.now))
    assert stage.due_at(enrollment) == stage.now + 99 * DAY
