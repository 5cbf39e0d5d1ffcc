"""Letting leads into campaigns in tests."""

from datetime import datetime

from sqlalchemy.orm import Session

from nurture.services.enroll import enroll
from nurture.store.leads import mark_dirty
from nurture.store.schema import (
    Due,
    Enrollment,
    LeadTag,
)
from tests.support.stage import Stage


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


def tag(stage: Stage, lead: int, on: bool) -> None:
    def change(session: Session) -> None:
        session.query(LeadTag).filter_by(lead_id=lead).delete()
        if on:
            session.add(LeadTag(lead_id=lead, tag="vip", since=stage.now))

    stage.write(change)
