"""Deciding for every enrollment that is due, on real databases and a virtual clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from nurture.clock import FixedClock
from nurture.services.tick import tick
from nurture.services.tick.load import load
from nurture.store.enrollments import claim_unchanged, wake, wake_leads
from nurture.store.schema import (
    CampaignVersion,
    Company,
    Decision,
    Due,
    Enrollment,
    Lead,
    LeadTag,
    Message,
    ReadPiece,
    Recheck,
    ScoreEntry,
    Task,
    User,
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


# The budget


BUDGET = "name: Q\nbudget: {max: 2, per: P7D}"


def test_a_lead_gets_no_more_mail_than_its_budget_allows_and_the_important_first(stage: Stage) -> None:
    stage.document("organisation", BUDGET)
    stage.template("letters/one")
    lead = stage.lead()
    for priority, slug in ((10, "low"), (90, "high"), (50, "middle")):
        campaign = stage.campaign(f"slug: {slug}\npriority: {priority}\n{ONE}")
        stage.enroll(campaign, lead)
    stage.tick()
    assert [message.priority for message in stage.messages()] == [90, 50]
    assert stage.decisions(campaign="low") == [("later", "budget")]
    later = stage.rows(Decision, campaign="low")[0]
    assert later.next_at == stage.now + 7 * DAY
    stage.clock.advance(7 * DAY)
    stage.tick()
    assert [message.priority for message in stage.messages()] == [90, 50, 10]


def test_what_was_sent_before_counts_and_what_failed_does_not(stage: Stage) -> None:
    stage.document("organisation", BUDGET)
    stage.template("letters/one")
    lead = stage.lead()
    for slug in ("a", "b"):
        stage.enroll(stage.campaign(f"slug: {slug}\n{ONE}"), lead)
    stage.tick()
    stage.write(
        lambda session: session.execute(update(Message).where(Message.id == 1).values(state="failed"))
    )
    stage.clock.advance(DAY)
    for slug in ("c", "d"):
        stage.enroll(stage.campaign(f"slug: {slug}\n{ONE}"), lead)
    stage.tick()
    assert stage.decisions(campaign="c") == [("queued", "due"), ("completed", "end")]
    assert stage.decisions(campaign="d") == [("later", "budget")]
    assert stage.rows(Decision, campaign="d")[0].next_at == stage.now + 6 * DAY


def test_a_lead_that_wants_less_gets_half(stage: Stage) -> None:
    stage.document("organisation", BUDGET)
    stage.template("letters/one")
    lead = stage.lead(less_often=True)
    for slug in ("a", "b", "c"):
        stage.enroll(stage.campaign(f"slug: {slug}\n{ONE}"), lead)
    stage.tick()
    later = stage.rows(Decision, outcome="later")
    assert [row.next_at for row in later] == [stage.now + 14 * DAY]


def test_steps_behind_a_mail_that_has_to_wait_wait_too(stage: Stage) -> None:
    stage.document("organisation", "name: Q\nbudget: {max: 1, per: P7D}")
    stage.template("letters/one")
    lead = stage.lead()
    campaign = stage.campaign(
        "steps: [{key: mark, update: {tags: [a]}}, {key: one, send: {template: letters/one}}, "
        "{key: late, update: {tags: [b]}}]"
    )
    stage.enroll(stage.campaign(f"slug: other\npriority: 99\n{ONE}"), lead)
    enrollment = stage.enroll(campaign, lead)
    stage.tick()
    assert [row.tag for row in stage.rows(LeadTag)] == ["a"]
    assert stage.enrollment(enrollment).position == "one"
    stage.clock.advance(7 * DAY)
    stage.tick()
    assert [row.tag for row in stage.rows(LeadTag)] == ["a", "b"]


# Windows, quiet hours, holidays


def test_mail_goes_in_the_leads_own_hours(stage: Stage) -> None:
    stage.document("organisation", 'name: Q\nquiet_hours: {from: "21:00", to: "07:00"}')
    stage.template("letters/one")
    campaign = stage.campaign(ONE)
    leads = {
        zone: stage.lead(zone=zone) for zone in ("Europe/Lisbon", "Pacific/Auckland", "America/New_York")
    }
    by_country = stage.lead(country="JP")
    by_company = stage.lead(company={"country": "JP"})
    for lead in (*leads.values(), by_country, by_company):
        stage.enroll(campaign, lead)
    stage.tick()
    # It is ten in Lisbon, eleven at night in Auckland, five in New York, and seven in the evening in Tokyo.
    assert {message.lead_id for message in stage.messages()} == {
        leads["Europe/Lisbon"],
        by_country,
        by_company,
    }
    later = {row.lead_id: row.next_at for row in stage.rows(Decision, outcome="later")}
    assert later[leads["America/New_York"]] == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert later[leads["Pacific/Auckland"]] == datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


def test_public_holidays_of_the_leads_country_are_kept(stage: Stage) -> None:
    stage.clock.set(datetime(2026, 4, 3, 10, 0, tzinfo=UTC))
    stage.template("letters/one")
    campaign = stage.campaign(f'window: {{from: "09:00", to: "17:00", holidays: lead}}\n{ONE}')
    portuguese, american = stage.lead(country="PT"), stage.lead(country="US", zone="Europe/Lisbon")
    nowhere = stage.lead()
    for lead in (portuguese, american, nowhere):
        stage.enroll(campaign, lead)
    stage.tick()
    # Good Friday is a public holiday in Portugal and not in the United States.
    assert {message.lead_id for message in stage.messages()} == {american, nowhere}
    (later,) = stage.rows(Decision, outcome="later")
    assert later.next_at == datetime(2026, 4, 4, 8, 0, tzinfo=UTC)


# Streams


def test_a_repeating_step_sends_one_piece_after_the_other(stage: Stage) -> None:
    a_stream(stage, "a", "b", "c", "d")
    campaign = stage.campaign(
        "steps: [{key: one, send: {stream: studies, every: P7D, until: 3}}, {key: end, exit: {reason: read}}]"
    )
    lead = stage.lead()
    enrollment = stage.enroll(campaign, lead)
    for _ in range(3):
        stage.tick()
        stage.clock.advance(7 * DAY)
    assert [(message.occurrence, message.piece) for message in stage.messages()] == [
        (0, "studies/a"),
        (1, "studies/b"),
        (2, "studies/c"),
    ]
    assert stage.enrollment(enrollment).reason == "read"
    assert stage.pieces(lead) == ["studies/a", "studies/b", "studies/c"]


def test_a_stream_that_runs_dry_is_passed_over(stage: Stage) -> None:
    a_stream(stage, "a")
    campaign = stage.campaign("steps: [{key: one, send: {stream: studies, every: P7D, until: 3}}]")
    enrollment = stage.enroll(campaign, stage.lead())
    stage.tick()
    stage.clock.advance(7 * DAY)
    stage.tick()
    assert ("passed_over", "no_piece") in stage.decisions()
    assert stage.enrollment(enrollment).status == "completed"


def test_two_campaigns_of_one_tick_never_send_the_same_piece(stage: Stage) -> None:
    a_stream(stage, "a", "b")
    lead = stage.lead()
    for slug, priority in (("low", 10), ("high", 90)):
        campaign = stage.campaign(
            f"slug: {slug}\npriority: {priority}\nsteps: [{{key: one, send: {{stream: studies}}}}]"
        )
        stage.enroll(campaign, lead)
    stage.tick()
    assert [(message.priority, message.piece) for message in stage.messages()] == [
        (90, "studies/a"),
        (10, "studies/b"),
    ]


def test_a_piece_that_a_lead_has_had_is_not_sent_again(stage: Stage) -> None:
    a_stream(stage, "a", "b")
    lead = stage.lead()
    stage.write(lambda session: session.add(ReadPiece(lead_id=lead, piece="studies/a", at=stage.now)))
    stage.enroll(stage.campaign("steps: [{key: one, send: {stream: studies}}]"), lead)
    stage.tick()
    assert [message.piece for message in stage.messages()] == ["studies/b"]


def test_the_study_of_the_leads_industry_comes_first(stage: Stage) -> None:
    stage.document(
        "streams",
        "streams: [{slug: studies, pieces: [studies/x, studies/y], pick: best_match, match: [industry]}]",
    )
    stage.template("studies/x", industries=["healthcare"])
    stage.template("studies/y", industries=["Logistics"])
    lead = stage.lead(company={"industry": "logistics"})
    stage.enroll(stage.campaign("steps: [{key: one, send: {stream: studies}}]"), lead)
    stage.tick()
    assert [message.piece for message in stage.messages()] == ["studies/y"]


# Changing leads and telling people


def test_an_update_step_changes_tags_fields_ladders_and_points(stage: Stage) -> None:
    stage.document(
        "organisation",
        "name: Q\n"
        "fields: [{name: role}, {name: seats, type: number, of: company}, {name: trial, type: boolean}]",
    )
    campaign = stage.campaign("""
        steps:
          - key: mark
            update:
              tags: [a, b]
              untag: [old]
              set:
                stage: interest
                lead.language: pt
                zone: Europe/Paris
                custom.role: finance
                custom.seats: "12"
                custom.trial: "yes"
              points: 7
          - {key: again, update: {tags: [a]}}
    """)
    lead = stage.lead(company={"name": "Acme"}, fields={"kept": "x"})
    stage.write(lambda session: session.add(LeadTag(lead_id=lead, tag="old", since=stage.now)))
    stage.with_scoring()
    enrollment = stage.enroll(campaign, lead)
    stage.tick()
    assert [row.tag for row in stage.rows(LeadTag)] == ["a", "b"]
    row = stage.rows(Lead)[0]
    assert (row.stage, row.fields) == ("interest", {"kept": "x", "role": "finance", "trial": True})
    assert (row.language, row.zone) == ("pt", "Europe/Paris")
    assert stage.rows(Company)[0].fields == {"seats": 12}
    assert [(entry.net, entry.dedupe_key) for entry in stage.rows(ScoreEntry)] == [
        (7.0, f"step:{enrollment}:mark")
    ]
    assert stage.kinds_of_events() == ["tagged", "tagged"]
    assert stage.rows(Recheck, lead_id=lead)[0].at == stage.now


def test_a_move_that_the_ladders_forbid_is_refused_and_said(stage: Stage) -> None:
    lead = stage.lead(lifecycle="customer", stage="action")
    enrollment = stage.enroll(stage.campaign("steps: [{key: mark, update: {set: {stage: awareness}}}]"), lead)
    stage.tick()
    assert ("refused", "ladder") in stage.decisions()
    assert stage.rows(Lead)[0].stage == "action"
    assert stage.enrollment(enrollment).status == "completed"


def test_the_owner_is_told_or_somebody_in_turn(stage: Stage) -> None:
    users = stage.users("ann@example.com", "bob@example.com", viewer="eve@example.com")
    campaign = stage.campaign(
        "steps: [{key: tell, notify: {owner: true, due: PT4H, reason: Call.}}, "
        "{key: boss, notify: {user: ann@example.com}}]"
    )
    owned, nobodys, nobodys_too = stage.lead(owner_id=users[1]), stage.lead(), stage.lead()
    for lead in (owned, nobodys, nobodys_too):
        stage.enroll(campaign, lead)
    stage.tick()
    tasks = {(row.lead_id, row.dedupe_key.rpartition(":")[2]): row for row in stage.rows(Task)}
    assert tasks[owned, "tell"].owner_id == users[1]
    assert {tasks[nobodys, "tell"].owner_id, tasks[nobodys_too, "tell"].owner_id} == set(users[:2])
    assert {tasks[lead, "boss"].owner_id for lead in (owned, nobodys, nobodys_too)} == {users[0]}
    told = tasks[owned, "tell"]
    assert (told.kind, told.title, told.status) == ("hand-off", "Call.", "open")
    assert told.due_at == stage.now + 4 * HOUR


def test_where_nobody_may_take_over_the_task_belongs_to_nobody(stage: Stage) -> None:
    stage.enroll(stage.campaign("steps: [{key: tell, notify: {owner: true}}]"), stage.lead())
    stage.tick()
    assert [row.owner_id for row in stage.rows(Task)] == [None]


# Ends


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


# Faults


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


def test_a_user_who_is_disabled_is_told_nothing(stage: Stage) -> None:
    (ann,) = stage.users("ann@example.com")
    stage.write(lambda session: session.execute(update(User).values(disabled_at=stage.now)))
    stage.enroll(stage.campaign("steps: [{key: tell, notify: {user: ann@example.com}}]"), stage.lead())
    stage.tick()
    assert ann
    assert [row.owner_id for row in stage.rows(Task)] == [None]
