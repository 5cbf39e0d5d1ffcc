"""Leads: read as frozen values, marked dirty, and whether they may be mailed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, and_, case, exists, func, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from nurture.domain.values import CompanyView, Grade, LeadView, Lifecycle, Score, Stage
from nurture.store.base import chunks
from nurture.store.schema import (
    Campaign,
    Company,
    Consent,
    Enrollment,
    Generation,
    Lead,
    LeadTag,
    Recheck,
    ScoreRow,
    SegmentMember,
    Suppression,
)

MARKETING_SCOPES = ("all", "marketing")
"""The scopes of a suppression that stop every campaign's mail to the address."""


def active_generation(session: Session) -> int | None:
    """The generation of scoring rules that counts now; none before the first `apply`."""
    return session.scalar(select(Generation.id).where(Generation.status == "active"))


def lead_views(session: Session, lead_ids: Iterable[int]) -> dict[int, LeadView]:
    """Everything that decisions know about these leads, by id; unknown ids are left out."""
    generation = active_generation(session)
    views: dict[int, LeadView] = {}
    for ids in chunks(lead_ids):
        tags = _dated(session, ids, LeadTag.lead_id, LeadTag.tag, LeadTag.since)
        segments = _dated(session, ids, SegmentMember.lead_id, SegmentMember.segment, SegmentMember.since)
        campaigns = _campaigns_of(session, ids)
        rows = session.execute(
            select(Lead, Company, ScoreRow.value, ScoreRow.as_of)
            .outerjoin(Company, Lead.company_id == Company.id)
            .outerjoin(ScoreRow, and_(ScoreRow.lead_id == Lead.id, ScoreRow.generation == generation))
            .where(Lead.id.in_(ids))
        )
        for row in rows:
            lead = row.Lead
            views[lead.id] = _view(row, tags[lead.id], segments[lead.id], frozenset(campaigns[lead.id]))
    return views


def _dated(
    session: Session,
    ids: Sequence[int],
    lead_id: InstrumentedAttribute[int],
    name: InstrumentedAttribute[str],
    since: InstrumentedAttribute[datetime],
) -> dict[int, dict[str, datetime]]:
    found: dict[int, dict[str, datetime]] = defaultdict(dict)
    for owner, word, at in session.execute(select(lead_id, name, since).where(lead_id.in_(ids))):
        found[owner][word] = at
    return found


def _campaigns_of(session: Session, ids: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    rows = session.execute(
        select(Enrollment.lead_id, Campaign.slug)
        .join(Campaign, Campaign.id == Enrollment.campaign_id)
        .where(Enrollment.lead_id.in_(ids), Enrollment.status.in_(("active", "paused")))
    )
    for lead_id, slug in rows:
        found[lead_id].add(slug)
    return found


def _view(
    row: Row[Lead, Company, float, datetime],
    tags: dict[str, datetime],
    segments: dict[str, datetime],
    campaigns: frozenset[str],
) -> LeadView:
    lead, company, value, as_of = row
    return LeadView(
        id=lead.id,
        address=lead.address or "",
        created_at=lead.created_at,
        first_name=lead.first_name,
        last_name=lead.last_name,
        language=lead.language,
        zone=lead.zone,
        country=lead.country,
        lifecycle=Lifecycle(lead.lifecycle),
        lifecycle_since=lead.lifecycle_since,
        lifecycle_pinned_until=lead.lifecycle_pinned_until,
        stage=Stage(lead.stage),
        stage_since=lead.stage_since,
        stage_pinned_until=lead.stage_pinned_until,
        fit=Grade(lead.fit),
        score=None if value is None else Score(value, as_of),
        mailable=lead.mailable,
        refused_topics=frozenset(lead.refused_topics),
        conversation_since=lead.conversation_since,
        paused_until=lead.paused_until,
        less_often=lead.less_often,
        owner_id=lead.owner_id,
        source=lead.source,
        tags=tags,
        segments=segments,
        campaigns=campaigns,
        company=None if company is None else company_view(company),
        fields=dict(lead.fields),
    )


def company_view(company: Company) -> CompanyView:
    """A company as decisions see it."""
    return CompanyView(
        id=company.id,
        name=company.name,
        domain=company.domain or "",
        industry=company.industry,
        size=company.size,
        country=company.country,
        zone=company.zone,
        fields=dict(company.fields),
    )


def mark_dirty(session: Session, lead_ids: Iterable[int], now: datetime) -> None:
    """Ask for these leads to be looked at again at once: ladders, entries, segments."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = upsert(Recheck)
    statement = statement.on_conflict_do_update(
        index_elements=[Recheck.lead_id],
        set_={
            "at": case((Recheck.at < statement.excluded.at, Recheck.at), else_=statement.excluded.at),
            "rev": Recheck.rev + 1,
        },
    )
    for ids in chunks(sorted(set(lead_ids))):
        session.execute(statement, [{"lead_id": lead_id, "at": now, "rev": 0} for lead_id in ids])


def mark_all_dirty(session: Session, now: datetime) -> int:
    """Ask for every lead to be looked at again (rules or entries changed); returns how many."""
    known = select(Recheck.lead_id)
    session.execute(update(Recheck).values(at=now, rev=Recheck.rev + 1))
    fresh = select(Lead.id, literal(now, Recheck.at.type), literal(0)).where(
        Lead.id.not_in(known), Lead.erased_at.is_(None)
    )
    session.execute(insert(Recheck).from_select(["lead_id", "at", "rev"], fresh))
    return session.scalar(select(func.count()).select_from(Recheck)) or 0


def refresh_mailable(session: Session, lead_ids: Iterable[int], now: datetime) -> None:
    """Bring `mailable`, its reason and `refused_topics` in line with consent and suppression.

    Mailable means: has an address, some consent whose newest entry gives it, and no suppression that
    stops marketing. Every change of consent or suppression calls this in its own transaction.
    """
    for ids in chunks(sorted(set(lead_ids))):
        suppressed = (
            select(func.min(Suppression.reason))
            .where(Suppression.address == Lead.address, Suppression.scope.in_(MARKETING_SCOPES), _alive(now))
            .scalar_subquery()
        )
        reason = case(
            (Lead.address.is_(None), "erased"),
            (suppressed.is_not(None), suppressed),
            (~_has_consent(), "no consent"),
            else_=None,
        )
        session.execute(
            update(Lead)
            .where(Lead.id.in_(ids))
            .values(not_mailable_because=reason, mailable=reason.is_(None))
            .execution_options(synchronize_session=False)
        )
        _refresh_topics(session, ids, now)


def _alive(now: datetime) -> ColumnElement[bool]:
    return or_(Suppression.expires_at.is_(None), Suppression.expires_at > now)


def _has_consent() -> ColumnElement[bool]:
    newer = aliased(Consent)
    superseded = exists().where(
        newer.lead_id == Consent.lead_id, newer.topic == Consent.topic, newer.id > Consent.id
    )
    return exists().where(Consent.lead_id == Lead.id, Consent.given.is_(True), ~superseded)


def _refresh_topics(session: Session, ids: Sequence[int], now: datetime) -> None:
    wanted: dict[int, list[str]] = {lead_id: [] for lead_id in ids}
    rows = session.execute(
        select(Lead.id, Suppression.scope)
        .join(Suppression, Suppression.address == Lead.address)
        .where(Lead.id.in_(ids), Suppression.scope.like("topic:%"))
        .where(_alive(now))
    )
    for lead_id, scope in rows:
        wanted[lead_id].append(scope.removeprefix("topic:"))
    rows_held = session.execute(select(Lead.id, Lead.refused_topics).where(Lead.id.in_(ids)))
    held: dict[int, list[str]] = {lead_id: topics for lead_id, topics in rows_held}  # noqa: C416
    changed = [
        {"id": lead_id, "refused_topics": sorted(topics)}
        for lead_id, topics in wanted.items()
        if sorted(topics) != sorted(held.get(lead_id, []))
    ]
    if changed:
        session.execute(update(Lead), changed)
