"""Enrollments of a campaign taken out of time, and put back into it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.orm import Session

from nurture.domain.timing.zones import LATEST
from nurture.store.base import chunks
from nurture.store.enrollments import whole_seconds
from nurture.store.schema import Due, Enrollment


def freeze(session: Session, enrollment_ids: Sequence[int], paused_at: datetime) -> None:
    """Take these active enrollments out of time: what is left of their waits at `paused_at` is kept."""
    for ids in chunks(sorted(enrollment_ids)):
        rows = session.execute(
            select(Due.enrollment_id, Due.held_until)
            .join(Enrollment, Enrollment.id == Due.enrollment_id)
            .where(Due.enrollment_id.in_(ids), Enrollment.status == "active")
            .with_for_update()
        ).all()
        left = [
            {
                "enrollment": key,
                "left": None if until is None else whole_seconds(max(until, paused_at) - paused_at),
            }
            for key, until in rows
        ]
        if not left:
            continue
        # A wait that a conversation had frozen already keeps what was left of it then.
        kept = case(
            (Enrollment.frozen_wait_seconds.is_not(None), Enrollment.frozen_wait_seconds),
            else_=bindparam("left", type_=Enrollment.frozen_wait_seconds.type),
        )
        session.connection().execute(
            update(Enrollment)
            .where(Enrollment.id == bindparam("enrollment"))
            .values(status="paused", frozen_wait_seconds=kept),
            left,
        )
        session.execute(
            update(Due)
            .where(Due.enrollment_id.in_([key for key, _ in rows]))
            .values(due_at=LATEST, rev=Due.rev + 1)
            .execution_options(synchronize_session=False)
        )


def in_campaign(session: Session, campaign_id: int, status: str, limit: int = 1000) -> tuple[int, ...]:
    """Some enrollments of a campaign in this status."""
    statement = select(Enrollment.id).where(
        Enrollment.campaign_id == campaign_id, Enrollment.status == status
    )
    return tuple(session.scalars(statement.order_by(Enrollment.id).limit(limit)))
