"""What should have been noticed and was not: leads, enrollments, and refusals that have run out."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import exists, insert, literal, or_, select
from sqlalchemy.orm import Session

from nurture.store.schema import Due, Enrollment, Lead, Recheck, Suppression


def never_looked_at(session: Session, limit: int) -> Collection[int]:
    """Leads that nobody has planned to look at."""
    planned = exists().where(Recheck.lead_id == Lead.id)
    statement = select(Lead.id).where(Lead.erased_at.is_(None), ~planned).order_by(Lead.id).limit(limit)
    return session.scalars(statement).all()


def refused_until(session: Session, since: datetime, now: datetime, limit: int) -> Collection[int]:
    """Leads who may not be mailed, or not about everything, and had a suppression run out in (since, now]."""
    run_out = select(Suppression.address).where(
        Suppression.expires_at > since, Suppression.expires_at <= now, Suppression.address.is_not(None)
    )
    held = or_(Lead.mailable.is_(False), Lead.refused_topics != literal([], Lead.refused_topics.type))
    statement = select(Lead.id).where(Lead.address.in_(run_out), held).order_by(Lead.id).limit(limit)
    return session.scalars(statement).all()


def make_due(session: Session, now: datetime) -> int:
    """Have active enrollments decided that nobody was going to decide; returns how many there were."""
    planned = exists().where(Due.enrollment_id == Enrollment.id)
    lost = select(Enrollment.id, Enrollment.lead_id, literal(now, Due.due_at.type), literal(0)).where(
        Enrollment.status == "active", ~planned
    )
    columns = ["enrollment_id", "lead_id", "due_at", "rev"]
    made = session.scalars(insert(Due).from_select(columns, lost).returning(Due.enrollment_id))
    return len(made.all())
