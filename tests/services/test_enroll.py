"""Who enters a campaign by its condition, who does not, and who is held out."""

import math
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.services.enroll import enroll
from nurture.store.entries import look_again_at
from nurture.store.leads import mark_dirty
from nurture.store.schema import (
    Enrollment,
    Lead,
    Recheck,
    ScoreRow,
    SegmentMember,
)
from tests.support.entering import causes, finish, look, settle, tag
from tests.support.stage import Stage

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
REST = "steps: [{key: rest, wait: {for: P3D}}]"
MAIL = "topic: product\nsteps: [{key: one, send: {template: letters/one}}]"
BY_LIFECYCLE = f"entry: {{when: {{lifecycle: lead}}}}\n{REST}"


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
