"""Who enters which campaign, and when, on real databases and a virtual clock."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from nurture.clock import FixedClock
from nurture.domain.errors import ConflictError, NotFound
from nurture.domain.events import Event, Verdict
from nurture.services.enroll import enroll, enter_by_events, enter_manually
from nurture.services.enroll.schedules import PORTION
from nurture.services.late import Answer, answer, late_fires
from nurture.store import fires
from nurture.store.entries import look_again_at
from nurture.store.fires import LateFire
from nurture.store.leads import mark_dirty
from nurture.store.schema import (
    Campaign,
    CampaignVersion,
    Decision,
    Due,
    Enrollment,
    Fire,
    Lead,
    LeadTag,
    Recheck,
    ScoreRow,
    SegmentMember,
)
from tests.support.stage import Stage

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
REST = "steps: [{key: rest, wait: {for: P3D}}]"
MAIL = "topic: product\nsteps: [{key: one, send: {template: letters/one}}]"
BY_LIFECYCLE = f"entry: {{when: {{lifecycle: lead}}}}\n{REST}"


def look(stage: Stage, *leads: int) -> None:
    """Mark leads dirty, and let in until nothing is left to do."""
    stage.write(lambda session: mark_dirty(session, leads, stage.now))
    settle(stage)


def settle(stage: Stage) -> None:
    for _ in range(20):
        if not enroll(stage.runtime, stage.now, 500):
            return
    raise AssertionError("It never comes to rest.")


def causes(stage: Stage, lead: int) -> list[str]:
    return [row.cause for row in stage.rows(Enrollment, lead_id=lead)]


def finish(stage: Stage, lead: int) -> None:
    """End the lead's passages now."""

    def end(session: Session) -> None:
        passages = session.query(Enrollment).filter_by(lead_id=lead, ended_at=None).all()
        for row in passages:
            row.status, row.ended_at = "completed", stage.now
            session.query(Due).filter_by(enrollment_id=row.id).delete()

    stage.write(end)


def entered_at(stage: Stage, lead: int) -> list[datetime]:
    return [row.entered_at for row in stage.rows(Enrollment, lead_id=lead)]


# By condition


def test_who_meets_the_condition_enters_and_is_due_at_once(stage: Stage) -> None:
    stage.campaign(BY_LIFECYCLE)
    ana, bob = stage.lead(), stage.lead(lifecycle="customer", stage="action")
    look(stage, ana, bob)
    assert causes(stage, ana) == ["condition:1"]
    assert causes(stage, bob) == []
    (enrollment,) = stage.rows(Enrollment)
    assert (enrollment.status, enrollment.entered_at, enrollment.position) == ("active", stage.now, None)
    assert stage.due_at(enrollment.id) == stage.now
    assert stage.decisions(lead_id=ana) == [("entered", "condition")]


def test_only_leads_that_are_marked_are_looked_at(stage: Stage) -> None:
    stage.campaign(BY_LIFECYCLE)
    stage.lead()
    assert enroll(stage.runtime, stage.now, 500) == 0
    assert stage.rows(Enrollment) == []


@pytest.mark.parametrize("status", ["draft", "paused", "stopped"])
def test_nobody_enters_a_campaign_that_does_not_run(stage: Stage, status: str) -> None:
    stage.campaign(BY_LIFECYCLE, status=status)
    lead = stage.lead()
    look(stage, lead)
    assert causes(stage, lead) == []


def test_a_lead_enters_on_the_stage_that_its_rules_have_just_given_it(stage: Stage) -> None:
    stage.campaign(f"entry: {{when: {{stage: interest}}}}\n{REST}")
    lead = stage.lead(stage_since=stage.now - DAY)
    stage.happens(lead, "asset_downloaded")
    look(stage, lead)
    assert stage.rows(Lead)[0].stage == "interest"
    assert causes(stage, lead) == ["condition:1"]


def test_whoever_is_in_does_not_enter_again(stage: Stage) -> None:
    stage.campaign(BY_LIFECYCLE.replace("lead}}", "lead}, reentry: always}"))
    lead = stage.lead()
    look(stage, lead)
    look(stage, lead)
    assert causes(stage, lead) == ["condition:1"]


def reentering(reentry: str) -> str:
    return f"entry: {{when: {{tag: vip}}, reentry: {reentry}}}\n{REST}"


def tag(stage: Stage, lead: int, on: bool) -> None:
    def change(session: Session) -> None:
        session.query(LeadTag).filter_by(lead_id=lead).delete()
        if on:
            session.add(LeadTag(lead_id=lead, tag="vip", since=stage.now))

    stage.write(change)


@pytest.mark.parametrize(
    ("reentry", "expected"),
    [
        ("never", ["condition:1"]),
        ("always", ["condition:1", "condition:2"]),
        ("{after: P10D}", ["condition:1"]),
        ("{after: P1D}", ["condition:1", "condition:2"]),
    ],
)
def test_a_condition_that_comes_true_anew_lets_in_as_reentry_says(
    stage: Stage, reentry: str, expected: list[str]
) -> None:
    stage.campaign(reentering(reentry))
    lead = stage.lead()
    tag(stage, lead, True)
    look(stage, lead)
    finish(stage, lead)
    for on in (False, True):
        stage.clock.advance(DAY)
        tag(stage, lead, on)
        look(stage, lead)
    assert causes(stage, lead) == expected


def test_a_condition_that_stays_true_lets_in_again_only_after_the_time_that_reentry_names(
    stage: Stage,
) -> None:
    stage.campaign(reentering("{after: P10D}"))
    stage.campaign("slug: always\n" + reentering("always"))
    lead = stage.lead()
    tag(stage, lead, True)
    look(stage, lead)
    finish(stage, lead)
    look(stage, lead)
    assert causes(stage, lead) == ["condition:1", "condition:1"]
    # When it may enter again is foreseen: nobody has to mark the lead.
    assert stage.rows(Recheck)[0].at == stage.now + 10 * DAY
    stage.clock.advance(10 * DAY)
    settle(stage)
    assert sorted(causes(stage, lead)) == ["condition:1", "condition:1", "condition:2"]


def test_what_becomes_true_by_time_alone_is_foreseen(stage: Stage) -> None:
    stage.campaign(f"entry: {{when: {{has_been: {{lifecycle: lead}}, for: P100D}}}}\n{REST}")
    lead = stage.lead(lifecycle_since=stage.now - 90 * DAY)
    look(stage, lead)
    assert causes(stage, lead) == []
    assert stage.rows(Recheck)[0].at == stage.now + 10 * DAY
    stage.clock.advance(10 * DAY)
    settle(stage)
    assert causes(stage, lead) == ["condition:1"]


def test_engagement_that_decays_is_foreseen(stage: Stage) -> None:
    stage.campaign(f"entry: {{when: {{none: [{{engagement: {{gte: 10}}}}]}}}}\n{REST}")
    stage.with_scoring()
    lead = stage.lead()
    half_life = 30 * DAY
    heat = math.log2(20) + stage.now.timestamp() / half_life.total_seconds()
    row = ScoreRow(generation=1, lead_id=lead, value=20.0, as_of=stage.now, heat=heat)
    stage.write(lambda session: session.add(row))
    look(stage, lead)
    assert causes(stage, lead) == []
    assert stage.now + 30 * DAY <= stage.rows(Recheck)[0].at <= stage.now + 30 * DAY + timedelta(seconds=2)


def test_time_in_a_segment_counts_from_when_it_was_first_seen(stage: Stage) -> None:
    stage.document("segments", "segments: [{slug: vips, name: VIPs, when: {tag: vip}}]")
    stage.campaign(f"entry: {{when: {{has_been: {{segment: vips}}, for: P2D}}}}\n{REST}")
    lead = stage.lead()
    tag(stage, lead, True)
    look(stage, lead)
    assert [(row.segment, row.since) for row in stage.rows(SegmentMember)] == [("vips", stage.now)]
    stage.clock.advance(2 * DAY)
    settle(stage)
    assert causes(stage, lead) == ["condition:1"]
    tag(stage, lead, False)
    look(stage, lead)
    assert stage.rows(SegmentMember) == []


def test_a_mark_made_while_a_lead_is_looked_at_is_not_lost(stage: Stage) -> None:
    lead = stage.lead()
    look(stage, lead)
    (mark,) = stage.rows(Recheck)
    assert mark.at > stage.now + 1000 * DAY
    stage.write(lambda session: mark_dirty(session, [lead], stage.now))
    stage.write(lambda session: look_again_at(session, {lead: mark.rev}, {lead: stage.now + DAY}))
    assert stage.rows(Recheck)[0].at == stage.now


def test_a_condition_that_names_what_there_is_not_lets_nobody_in(stage: Stage) -> None:
    stage.campaign(f"entry: {{when: {{segment: gone}}}}\n{REST}")
    stage.campaign(f"slug: fine\n{BY_LIFECYCLE}")
    lead = stage.lead()
    look(stage, lead)
    assert causes(stage, lead) == ["condition:1"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_lead_that_another_worker_holds_is_left_to_it(engine: Engine, clock: FixedClock) -> None:
    stage = Stage(engine, clock)
    stage.campaign(BY_LIFECYCLE)
    held, free = stage.lead(), stage.lead()
    stage.write(lambda session: mark_dirty(session, [held, free], stage.now))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT 1 FROM lead WHERE id = {held} FOR UPDATE")
        assert enroll(stage.runtime, stage.now, 500) == 1
    assert (causes(stage, held), causes(stage, free)) == ([], ["condition:1"])
    settle(stage)
    assert causes(stage, held) == ["condition:1"]


# Consent and holdout


@pytest.mark.parametrize(
    ("lead", "why"),
    [({"mailable": False}, "not_mailable"), ({"refused_topics": ["product"]}, "topic_refused")],
)
def test_who_may_not_be_mailed_does_not_enter_and_the_log_says_so_once(
    stage: Stage, lead: dict[str, Any], why: str
) -> None:
    stage.campaign(f"entry: {{when: {{lifecycle: lead}}}}\n{MAIL}")
    refusing = stage.lead(**lead)
    for _ in range(3):
        look(stage, refusing)
    assert causes(stage, refusing) == []
    assert stage.decisions() == [("not_entered", why)]


def test_who_gives_consent_later_enters_then_also_where_reentry_is_always(stage: Stage) -> None:
    stage.campaign(f"entry: {{when: {{lifecycle: lead}}, reentry: always}}\n{MAIL}")
    lead = stage.lead(mailable=False)
    look(stage, lead)
    stage.change(lead, mailable=True)
    look(stage, lead)
    assert causes(stage, lead) == ["condition:1"]


def test_a_campaign_that_sends_nothing_asks_for_no_consent(stage: Stage) -> None:
    stage.campaign(BY_LIFECYCLE)
    lead = stage.lead(mailable=False)
    look(stage, lead)
    assert causes(stage, lead) == ["condition:1"]


def test_who_is_held_out_is_noted_and_never_due(stage: Stage) -> None:
    stage.campaign(f"holdout: 100\n{BY_LIFECYCLE}")
    lead = stage.lead()
    look(stage, lead)
    (enrollment,) = stage.rows(Enrollment)
    assert (enrollment.status, enrollment.ended_at) == ("holdout", stage.now)
    assert stage.due_at(enrollment.id) is None
    assert stage.decisions() == [("holdout", "condition")]
    look(stage, lead)
    assert len(causes(stage, lead)) == 1


def test_a_share_is_held_out_by_hash(stage: Stage) -> None:
    stage.campaign(f"holdout: 50\n{BY_LIFECYCLE}")
    leads = [stage.lead() for _ in range(30)]
    look(stage, *leads)
    statuses = {row.lead_id: row.status for row in stage.rows(Enrollment)}
    assert set(statuses.values()) == {"active", "holdout"}
    assert 5 < list(statuses.values()).count("holdout") < 25


# By event


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


# By hand


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


# On a schedule


MONTHLY = """
entry: {schedule: {cron: "0 9 1 * *", zone: lead}, audience: {segment: readers}}
topic: product
steps: [{key: one, send: {template: letters/one}}]
"""
READERS = "segments: [{slug: readers, name: Readers, when: {lifecycle: [lead, customer]}}]"


def fired(stage: Stage) -> list[tuple[str, datetime, str, int]]:
    return [
        (row.zone, row.instant, row.status, row.entered)
        for row in stage.rows(Fire)
        if row.status != fires.NEXT
    ]


def test_a_schedule_fires_where_each_lead_lives(stage: Stage) -> None:
    stage.document("segments", READERS)
    stage.campaign(MONTHLY)
    lisbon, tokyo, newyork = (
        stage.lead(zone=zone) for zone in ("Europe/Lisbon", "Asia/Tokyo", "America/New_York")
    )
    stage.lead(lifecycle="suspect", zone="Asia/Tokyo")
    unreachable = stage.lead(mailable=False, zone="Asia/Tokyo")
    settle(stage)
    assert fired(stage) == []
    # Half an hour later than any instant, each is found once.
    for at, lead in (
        (datetime(2026, 4, 1, 0, 30, tzinfo=UTC), tokyo),
        (datetime(2026, 4, 1, 8, 30, tzinfo=UTC), lisbon),
        (datetime(2026, 4, 1, 13, 30, tzinfo=UTC), newyork),
    ):
        stage.clock.set(at)
        settle(stage)
        assert entered_at(stage, lead) == [at]
    assert [(zone, status, number) for zone, _, status, number in fired(stage)] == [
        ("Asia/Tokyo", "fired", 1),
        ("Europe/Lisbon", "fired", 1),
        ("America/New_York", "fired", 1),
    ]
    assert causes(stage, tokyo) == ["schedule:2026-04-01T00:00:00+00:00"]
    assert stage.decisions(lead_id=unreachable) == [("not_entered", "not_mailable")]


def test_a_schedule_in_one_zone_fires_for_all_at_once(stage: Stage) -> None:
    stage.campaign(
        'entry: {schedule: {cron: "0 9 * * mon", zone: Europe/Paris}, audience: {when: {tag: vip}}}\n' + REST
    )
    vip, other = stage.lead(zone="Asia/Tokyo"), stage.lead()
    tag(stage, vip, True)
    stage.clock.set(datetime(2026, 3, 9, 8, 0, tzinfo=UTC))
    settle(stage)
    assert (len(causes(stage, vip)), causes(stage, other)) == (1, [])
    assert fired(stage) == [("Europe/Paris", stage.now, "fired", 1)]


def test_an_issue_found_within_a_day_fires_and_later_it_asks(stage: Stage) -> None:
    stage.document("segments", READERS)
    stage.campaign(MONTHLY)
    lead = stage.lead(zone="UTC")
    stage.clock.set(datetime(2026, 4, 2, 8, 59, tzinfo=UTC))
    settle(stage)
    assert len(causes(stage, lead)) == 1
    finish(stage, lead)
    stage.clock.set(datetime(2026, 5, 2, 9, 0, tzinfo=UTC))
    settle(stage)
    assert len(causes(stage, lead)) == 1
    assert [status for _, _, status, _ in fired(stage)] == ["fired", "asks"]


@pytest.mark.parametrize(("yes", "status", "entries"), [(True, "fired", 1), (False, "missed", 0)])
def test_a_person_answers_whether_a_late_issue_still_goes(
    stage: Stage, yes: bool, status: str, entries: int
) -> None:
    stage.document("segments", READERS)
    stage.campaign(MONTHLY)
    lead = stage.lead(zone="UTC")
    stage.clock.set(datetime(2026, 4, 3, 9, 0, tzinfo=UTC))
    settle(stage)
    instant = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
    assert late_fires(stage.runtime) == [LateFire("welcome", "Welcome", instant, 1)]
    answer(stage.runtime, Answer("welcome", instant, yes), stage.now, "test")
    settle(stage)
    assert late_fires(stage.runtime) == []
    with pytest.raises(ConflictError, match="does not ask about 2026-04-01 09:00"):
        answer(stage.runtime, Answer("welcome", instant, yes), stage.now, "test")
    with pytest.raises(NotFound, match="gone"):
        answer(stage.runtime, Answer("gone", instant, yes), stage.now, "test")
    assert len(causes(stage, lead)) == entries
    assert [state for _, _, state, _ in fired(stage)] == [status]


def test_of_several_instants_that_were_missed_only_the_last_counts(stage: Stage) -> None:
    stage.campaign(
        'entry: {schedule: {cron: "0 * * * *", zone: UTC}, audience: {when: {lifecycle: lead}}}\n' + REST
    )
    lead = stage.lead()
    stage.clock.advance(5 * HOUR)
    settle(stage)
    assert [status for _, _, status, _ in fired(stage)] == ["missed"] * 4 + ["fired"]
    assert len(causes(stage, lead)) == 1


def test_an_instant_before_the_campaigns_start_does_not_count(stage: Stage) -> None:
    stage.clock.set(datetime(2026, 4, 1, 9, 30, tzinfo=UTC))
    stage.document("segments", READERS)
    stage.campaign(MONTHLY)
    lead = stage.lead(zone="UTC")
    settle(stage)
    assert causes(stage, lead) == []


def test_who_is_still_in_does_not_enter_by_the_next_instant(stage: Stage) -> None:
    stage.campaign(
        'entry: {schedule: {cron: "0 9 * * *", zone: UTC}, audience: {when: {lifecycle: lead}}}\n' + REST
    )
    lead = stage.lead()
    for day in (3, 4):
        stage.clock.set(datetime(2026, 3, day, 9, 0, tzinfo=UTC))
        settle(stage)
    assert causes(stage, lead) == ["schedule:2026-03-03T09:00:00+00:00"]


def test_a_large_audience_is_let_in_by_portions(stage: Stage) -> None:
    stage.campaign(
        'entry: {schedule: {cron: "0 9 * * *", zone: UTC}, audience: {when: {lifecycle: lead}}}\n' + REST
    )
    stage.leads(PORTION + 1)
    stage.clock.set(datetime(2026, 3, 3, 9, 0, tzinfo=UTC))
    assert enroll(stage.runtime, stage.now, 1) == PORTION
    assert enroll(stage.runtime, stage.now, 1) == 1
    assert enroll(stage.runtime, stage.now, 1) == 0
    assert fired(stage) == [("UTC", stage.now, "fired", PORTION + 1)]
    assert stage.count(Enrollment) == PORTION + 1


def test_nothing_is_let_in_twice_when_two_workers_let_in(stage: Stage) -> None:
    stage.campaign(
        'entry: {schedule: {cron: "0 9 * * *", zone: UTC}, audience: {when: {lifecycle: lead}}}\n' + REST
    )
    stage.lead()
    stage.clock.set(datetime(2026, 3, 3, 9, 0, tzinfo=UTC))
    settle(stage)
    fire = fires.DueFire(1, stage.now, "UTC", 0)
    assert stage.write(lambda session: fires.hold_fire(session, fire)) is False


def test_a_zone_that_nobody_lived_in_is_found_within_a_quarter_of_an_hour(stage: Stage) -> None:
    stage.document("segments", READERS)
    stage.campaign(MONTHLY)
    stage.clock.set(datetime(2026, 3, 31, 23, 50, tzinfo=UTC))
    settle(stage)
    tokyo = stage.lead(zone="Asia/Tokyo")
    stage.clock.set(datetime(2026, 4, 1, 0, 5, tzinfo=UTC))
    settle(stage)
    assert len(causes(stage, tokyo)) == 1


def test_every_entry_has_a_line_in_the_log(stage: Stage) -> None:
    stage.campaign(BY_LIFECYCLE)
    leads = [stage.lead() for _ in range(4)]
    look(stage, *leads)
    told = {row.enrollment_id for row in stage.rows(Decision, outcome="entered")}
    assert told == {row.id for row in stage.rows(Enrollment)}
