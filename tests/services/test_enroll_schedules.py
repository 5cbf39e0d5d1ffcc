"""Leads that enter on a schedule, each in its own zone."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.errors import ConflictError, NotFound
from nurture.services.enroll import enroll
from nurture.services.enroll.schedules import PORTION
from nurture.services.late import Answer, answer, late_fires
from nurture.store import fires
from nurture.store.fires import LateFire
from nurture.store.schema import (
    Decision,
    Enrollment,
    Fire,
)
from tests.support.entering import causes, entered_at, finish, look, settle, tag
from tests.support.stage import Stage

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
REST = "steps: [{key: rest, wait: {for: P3D}}]"
MAIL = "topic: product\nsteps: [{key: one, send: {template: letters/one}}]"
BY_LIFECYCLE = f"entry: {{when: {{lifecycle: lead}}}}\n{REST}"


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
