"""How many leads something reaches: for plans, which must say so before anything happens."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from nurture.domain.conditions.tree import Condition
from nurture.store.schema import Campaign, Enrollment, Lead
from nurture.store.segments import SetContext, compile_condition

UNDER_WAY = ("active", "paused")


def all_leads(session: Session) -> int:
    """Every lead that was not erased."""
    return session.scalar(select(func.count()).select_from(Lead).where(Lead.erased_at.is_(None))) or 0


def mailable_leads(session: Session, condition: Condition, context: SetContext) -> int:
    """The leads that meet a condition and may be written to.

    Raises:
        InputError: the condition names a field or a segment that there is not.
    """
    holds = compile_condition(condition, context)
    statement = select(func.count()).select_from(Lead)
    return session.scalar(statement.where(Lead.erased_at.is_(None), Lead.mailable.is_(True), holds)) or 0


def under_way(session: Session) -> dict[str, int]:
    """How many leads are passing through each campaign, by slug."""
    rows = session.execute(
        select(Campaign.slug, func.count(Enrollment.lead_id.distinct()))
        .join(Enrollment, Enrollment.campaign_id == Campaign.id)
        .where(Enrollment.status.in_(UNDER_WAY))
        .group_by(Campaign.slug)
    )
    return {slug: count for slug, count in rows}  # noqa: C416 - rows are no pairs to mypy.
