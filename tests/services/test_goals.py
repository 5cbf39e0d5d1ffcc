"""Goals reached after a passage is over, or by somebody who was held out."""

from datetime import timedelta
from typing import Any

import pytest

from nurture.services.process import process
from nurture.store.schema import Enrollment
from tests.support.stage import Stage

DAY = timedelta(days=1)


def campaign(goal: str, extra: str = "") -> str:
    return f"{extra}\ngoal: {goal}\nsteps: [{{key: end, exit: {{reason: done}}}}]"


def happens(stage: Stage, lead: int, kind: str, **values: Any) -> None:
    stage.happens(lead, kind, processed=False, **values)
    process(stage.runtime, stage.now, 100)


def goal_at(stage: Stage) -> object:
    return stage.rows(Enrollment)[0].goal_at


@pytest.mark.parametrize("status", ["completed", "holdout"])
def test_a_goal_counts_after_the_passage_is_over_while_it_is_in_time(stage: Stage, status: str) -> None:
    lead = stage.lead()
    enrollment = stage.enroll(stage.campaign(campaign("{event: demo_requested, within: P30D}")), lead)
    stage.tick()
    stage.set_status(enrollment, status)
    stage.clock.advance(9 * DAY)
    happens(stage, lead, "page_visited")
    assert goal_at(stage) is None
    happens(stage, lead, "demo_requested")
    assert goal_at(stage) == stage.now
    assert stage.enrollment(enrollment).status == status


def test_a_goal_reached_too_late_does_not_count(stage: Stage) -> None:
    lead = stage.lead()
    stage.enroll(stage.campaign(campaign("{event: demo_requested, within: P30D}")), lead)
    stage.tick()
    stage.clock.advance(31 * DAY)
    happens(stage, lead, "demo_requested")
    assert goal_at(stage) is None


def test_a_goal_may_be_where_the_lead_stands(stage: Stage) -> None:
    stage.with_scoring()
    lead = stage.lead()
    stage.enroll(stage.campaign(campaign("{when: {lifecycle: customer}, within: P30D}")), lead)
    stage.tick()
    happens(stage, lead, "purchased")
    assert goal_at(stage) == stage.now


def test_the_first_time_counts_and_a_campaign_without_a_goal_has_none(stage: Stage) -> None:
    lead = stage.lead()
    stage.enroll(stage.campaign(campaign("{event: demo_requested}")), lead)
    stage.enroll(stage.campaign("slug: other\nsteps: [{key: end, exit: {}}]"), lead)
    stage.tick()
    happens(stage, lead, "demo_requested")
    first = stage.now
    stage.clock.advance(DAY)
    happens(stage, lead, "demo_requested")
    assert [row.goal_at for row in stage.rows(Enrollment)] == [first, None]


def test_what_a_machine_does_reaches_nothing(stage: Stage) -> None:
    lead = stage.lead()
    stage.enroll(stage.campaign(campaign("{event: email_clicked}")), lead)
    stage.tick()
    happens(stage, lead, "email_clicked", verdict="machine")
    assert goal_at(stage) is None
    happens(stage, lead, "email_clicked", verdict="human")
    assert goal_at(stage) == stage.now
