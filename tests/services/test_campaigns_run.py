"""Campaigns started, paused, resumed, stopped, and passages moved to another version."""

from datetime import timedelta

import pytest

from nurture.domain.errors import ConflictError, InputError, NotFound
from nurture.services.campaigns_run import Moved, ResumeMode, move_to_version, pause, resume, start, stop
from nurture.store.enrollments import wake
from nurture.store.pausing import PORTION
from nurture.store.schema import AuditEntry, Campaign, Enrollment, Recheck
from tests.support.stage import Stage

DAY = timedelta(days=1)
WEEK = "steps: [{key: rest, wait: {for: P7D}}, {key: one, send: {template: letters/one}}]"
ORGANISATION = """
name: Q
identities: [{slug: default, name: Clara, email: clara@example.com, postal_address: 1 Harbour Walk}]
"""


@pytest.fixture
def running(stage: Stage) -> Stage:
    """A campaign in which one lead waits for a week, half of which is over on Thursday."""
    stage.document("organisation", ORGANISATION)
    stage.template("letters/one")
    stage.enroll(stage.campaign(WEEK), stage.lead())
    stage.tick()
    return stage


def status(stage: Stage) -> str:
    return str(stage.rows(Campaign)[0].status)


def audit(stage: Stage) -> list[str]:
    return [row.action for row in stage.rows(AuditEntry)]


# Starting


def test_a_draft_that_lacks_nothing_starts_and_everybody_is_looked_at(stage: Stage) -> None:
    stage.document("organisation", ORGANISATION)
    stage.template("letters/one")
    stage.campaign(WEEK, status="draft")
    lead = stage.lead()
    start(stage.runtime, "welcome", stage.now, "cli")
    (campaign,) = stage.rows(Campaign)
    assert (campaign.status, campaign.started_at) == ("active", stage.now)
    assert stage.rows(Recheck, lead_id=lead)[0].at == stage.now
    assert audit(stage) == ["campaign.start"]


def test_a_campaign_that_lacks_something_does_not_start_and_says_all_of_it(stage: Stage) -> None:
    stage.campaign(
        "steps: [{key: one, send: {template: letters/none}}, {key: two, send: {stream: nothing}}]",
        status="draft",
    )
    with pytest.raises(ConflictError) as caught:
        start(stage.runtime, "welcome", stage.now, "cli")
    for lack in ('no identity "default"', 'the template "letters/none"', 'the stream "nothing"'):
        assert lack in str(caught.value)
    assert status(stage) == "draft"


def test_what_runs_does_not_start_again(running: Stage) -> None:
    with pytest.raises(ConflictError, match="only drafts and stopped ones start"):
        start(running.runtime, "welcome", running.now, "cli")


@pytest.mark.parametrize("act", [start, pause, stop])
def test_a_campaign_that_there_is_not_is_named(stage: Stage, act: object) -> None:
    with pytest.raises(NotFound, match='"gone"'):
        act(stage.runtime, "gone", stage.now, "cli")  # type: ignore[operator]


# Pausing and resuming


def test_a_pause_freezes_waits_and_nothing_wakes_them(running: Stage) -> None:
    running.clock.advance(3 * DAY)
    pause(running.runtime, "welcome", running.now, "cli")
    frozen = running.enrollment(1)
    assert (frozen.status, frozen.frozen_wait_seconds) == ("paused", 4 * 86400)
    running.clock.advance(50 * DAY)
    running.write(lambda session: wake(session, [1], running.now))
    assert running.tick() == 0
    assert running.messages() == []


@pytest.mark.parametrize(
    ("mode", "paused_for", "sends_after"),
    [
        ("shift", 1 * DAY, 4 * DAY),
        ("shift", 10 * DAY, 4 * DAY),
        ("send_now", 1 * DAY, 3 * DAY),
        ("send_now", 10 * DAY, 0 * DAY),
        ("skip", 1 * DAY, 3 * DAY),
    ],
)
def test_a_wait_goes_on_as_asked(
    running: Stage, mode: ResumeMode, paused_for: timedelta, sends_after: timedelta
) -> None:
    running.clock.advance(3 * DAY)
    pause(running.runtime, "welcome", running.now, "cli")
    running.clock.advance(paused_for)
    resume(running.runtime, "welcome", mode, running.now, "cli")
    running.tick()
    if sends_after:
        running.clock.advance(sends_after - timedelta(seconds=1))
        running.tick()
        assert running.messages() == []
        running.clock.advance(timedelta(seconds=1))
        running.tick()
    assert [message.step for message in running.messages()] == ["one"]
    assert audit(running) == ["campaign.pause", "campaign.resume"]


def test_what_became_due_during_the_pause_can_be_skipped(running: Stage) -> None:
    running.clock.advance(3 * DAY)
    pause(running.runtime, "welcome", running.now, "cli")
    running.clock.advance(10 * DAY)
    resume(running.runtime, "welcome", "skip", running.now, "cli")
    running.tick()
    assert running.messages() == []
    assert ("passed_over", "skipped") in running.decisions()
    assert running.enrollment(1).status == "completed"


def test_skipping_takes_back_what_was_queued_and_shifting_does_not(stage: Stage) -> None:
    stage.template("letters/one")
    stage.enroll(
        stage.campaign("steps: [{key: one, send: {template: letters/one}}, {key: r, wait: {for: P9D}}]"),
        stage.lead(),
    )
    stage.tick()
    pause(stage.runtime, "welcome", stage.now, "cli")
    resume(stage.runtime, "welcome", "shift", stage.now, "cli")
    assert [message.state for message in stage.messages()] == ["pending"]
    pause(stage.runtime, "welcome", stage.now, "cli")
    resume(stage.runtime, "welcome", "skip", stage.now, "cli")
    assert [message.state for message in stage.messages()] == ["cancelled"]


def test_a_wait_that_a_conversation_had_frozen_keeps_what_was_left_of_it_then(running: Stage) -> None:
    running.clock.advance(2 * DAY)
    running.change(1, conversation_since=running.now)
    running.write(lambda session: wake(session, [1], running.now))
    running.tick()
    running.clock.advance(3 * DAY)
    pause(running.runtime, "welcome", running.now, "cli")
    running.change(1, conversation_since=None)
    resume(running.runtime, "welcome", "shift", running.now, "cli")
    running.tick()
    assert running.due_at(1) == running.now + 5 * DAY


def test_a_resume_that_was_interrupted_goes_on_when_called_again(running: Stage) -> None:
    pause(running.runtime, "welcome", running.now, "cli")
    running.write(lambda session: session.query(Campaign).update({"status": "active"}))
    resume(running.runtime, "welcome", "shift", running.now, "cli")
    assert running.enrollment(1).status == "active"
    with pytest.raises(ConflictError, match="not paused"):
        resume(running.runtime, "welcome", "shift", running.now, "cli")


def test_what_does_not_run_is_not_paused(stage: Stage) -> None:
    stage.campaign(WEEK, status="draft")
    with pytest.raises(ConflictError, match="only a running one can be paused"):
        pause(stage.runtime, "welcome", stage.now, "cli")
    with pytest.raises(ConflictError, match="not paused"):
        resume(stage.runtime, "welcome", "shift", stage.now, "cli")
    with pytest.raises(ConflictError, match="nothing to stop"):
        stop(stage.runtime, "welcome", stage.now, "cli")


# Stopping


@pytest.mark.parametrize("paused", [False, True])
def test_a_stop_ends_everybodys_passage_and_takes_back_what_is_queued(stage: Stage, paused: bool) -> None:
    stage.template("letters/one")
    campaign = stage.campaign(
        "steps: [{key: one, send: {template: letters/one}}, {key: r, wait: {for: P9D}}]"
    )
    for _ in range(3):
        stage.enroll(campaign, stage.lead())
    stage.tick()
    if paused:
        pause(stage.runtime, "welcome", stage.now, "cli")
    stop(stage.runtime, "welcome", stage.now, "cli")
    assert status(stage) == "stopped"
    assert {(row.status, row.reason) for row in stage.rows(Enrollment)} == {("exited", "campaign_stopped")}
    assert {message.state for message in stage.messages()} == {"cancelled"}
    assert stage.due_at(1) is None


# Versions


def test_people_in_flight_finish_on_their_version(running: Stage) -> None:
    running.template("letters/new")
    running.campaign("steps: [{key: rest, wait: {for: P7D}}, {key: one, send: {template: letters/new}}]")
    running.clock.advance(7 * DAY)
    running.tick()
    wanted = running.templates("letters/one")[0].version_id
    assert [message.template_version_id for message in running.messages()] == [wanted]


def test_moved_on_purpose_they_go_on_from_the_step_of_the_same_key(running: Stage) -> None:
    running.template("letters/new")
    running.campaign("steps: [{key: rest, wait: {for: P9D}}, {key: one, send: {template: letters/new}}]")
    before = running.due_at(1)
    assert move_to_version(running.runtime, "welcome", {}, running.now, "cli") == Moved(1, 0)
    assert running.due_at(1) == before
    running.clock.advance(7 * DAY)
    running.tick()
    wanted = running.templates("letters/new")[0].version_id
    assert [message.template_version_id for message in running.messages()] == [wanted]
    assert move_to_version(running.runtime, "welcome", {}, running.now, "cli") == Moved(0, 0)


def test_who_stands_where_the_new_version_has_no_step_stays_unless_sent_elsewhere(running: Stage) -> None:
    running.campaign("steps: [{key: other, wait: {for: P1D}}, {key: one, send: {template: letters/one}}]")
    assert move_to_version(running.runtime, "welcome", {}, running.now, "cli") == Moved(0, 1)
    with pytest.raises(InputError, match='no step "nowhere"'):
        move_to_version(running.runtime, "welcome", {"rest": "nowhere"}, running.now, "cli")
    running.clock.advance(DAY)
    assert move_to_version(running.runtime, "welcome", {"rest": "other"}, running.now, "cli") == Moved(1, 0)
    running.tick()
    assert (running.enrollment(1).position, running.due_at(1)) == ("other", running.now + DAY)


def test_a_step_that_has_sent_never_sends_again(stage: Stage) -> None:
    stage.template("letters/one")
    lead = stage.lead()
    enrollment = stage.enroll(
        stage.campaign("steps: [{key: one, send: {template: letters/one}}, {key: rest, wait: {for: P7D}}]"),
        lead,
    )
    stage.tick()
    stage.campaign("steps: [{key: rest, wait: {for: P7D}}, {key: one, send: {template: letters/one}}]")
    move_to_version(stage.runtime, "welcome", {}, stage.now, "cli")
    stage.clock.advance(7 * DAY)
    stage.tick()
    assert len(stage.messages()) == 1
    assert ("passed_over", "sent_before") in stage.decisions()
    assert stage.enrollment(enrollment).status == "completed"


def test_a_campaign_without_a_version_has_nowhere_to_move_to(stage: Stage) -> None:
    stage.write(lambda session: session.add(Campaign(slug="empty", name="Empty", created_at=stage.now)))
    with pytest.raises(NotFound, match="no version that can be read"):
        move_to_version(stage.runtime, "empty", {}, stage.now, "cli")
    with pytest.raises(ConflictError, match="no version that can be read"):
        start(stage.runtime, "empty", stage.now, "cli")


def test_everybody_is_frozen_thawed_moved_and_ended_portion_by_portion(stage: Stage) -> None:
    many = PORTION + 1
    stage.enroll_many(stage.campaign(WEEK), many)
    stage.tick()
    pause(stage.runtime, "welcome", stage.now, "cli")
    assert {row.status for row in stage.rows(Enrollment)} == {"paused"}
    resume(stage.runtime, "welcome", "shift", stage.now, "cli")
    assert {row.status for row in stage.rows(Enrollment)} == {"active"}
    stage.campaign(WEEK.replace("P7D", "P8D"))
    assert move_to_version(stage.runtime, "welcome", {}, stage.now, "cli") == Moved(many, 0)
    stop(stage.runtime, "welcome", stage.now, "cli")
    assert {row.status for row in stage.rows(Enrollment)} == {"exited"}
