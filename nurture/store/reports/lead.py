"""Everything about one lead that its page shows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from nurture.domain.scoring.entries import Entry
from nurture.store.schema import (
    Campaign,
    CampaignVersion,
    Consent,
    Decision,
    Due,
    Enrollment,
    Lead,
    LeadTag,
    ScoreEntry,
    Suppression,
    User,
)

PAGE = 40


@dataclass(frozen=True, slots=True)
class Dossier:
    """What the lead's row says besides its view."""

    id: int
    not_mailable_because: str
    owner: str
    source: str
    created_at: datetime
    updated_at: datetime
    lifecycle_pinned_until: datetime | None
    stage_pinned_until: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One entry of the consent ledger."""

    topic: str
    given: bool
    basis: str
    how: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """Why the address must not be mailed."""

    scope: str
    reason: str
    source: str
    at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Passage:
    """One enrollment with the names that people know."""

    id: int
    campaign: str
    slug: str
    version: int
    status: str
    position: str
    cause: str
    entered_at: datetime
    ended_at: datetime | None
    reason: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Why:
    """One decision: what was done about the lead and why, in a sentence."""

    id: int
    at: datetime
    campaign: str
    step: str
    outcome: str
    reason: str
    sentence: str
    values: tuple[tuple[str, str], ...]
    next_at: datetime | None
    message_id: int | None


def dossier(session: Session, lead_id: int) -> Dossier | None:
    """What the row says; nothing where there is no such lead."""
    row = session.execute(
        select(Lead, User).outerjoin(User, User.id == Lead.owner_id).where(Lead.id == lead_id)
    ).one_or_none()
    if row is None:
        return None
    lead = row.Lead
    return Dossier(
        id=lead.id,
        not_mailable_because=lead.not_mailable_because or "",
        owner=_called(row.User),
        source=lead.source,
        created_at=lead.created_at,
        updated_at=lead.updated_at,
        lifecycle_pinned_until=lead.lifecycle_pinned_until,
        stage_pinned_until=lead.stage_pinned_until,
        erased_at=lead.erased_at,
    )


def _called(user: User | None) -> str:
    return "" if user is None else user.name or user.address


def tags_of(session: Session, lead_id: int) -> tuple[tuple[str, datetime], ...]:
    """The lead's tags and since when."""
    rows = session.execute(
        select(LeadTag.tag, LeadTag.since).where(LeadTag.lead_id == lead_id).order_by(LeadTag.tag)
    )
    return tuple((tag, since) for tag, since in rows)


def consents_of(session: Session, lead_id: int) -> tuple[ConsentRow, ...]:
    """The consent ledger, newest first."""
    rows = session.scalars(
        select(Consent).where(Consent.lead_id == lead_id).order_by(Consent.id.desc()).limit(PAGE)
    )
    return tuple(ConsentRow(row.topic, row.given, row.basis, row.how, row.at) for row in rows)


def suppressions_of(session: Session, address_hash: str) -> tuple[SuppressionRow, ...]:
    """What stops mail to the address."""
    rows = session.scalars(
        select(Suppression).where(Suppression.address_hash == address_hash).order_by(Suppression.at.desc())
    )
    return tuple(SuppressionRow(row.scope, row.reason, row.source, row.at, row.expires_at) for row in rows)


def passages_of(session: Session, lead_id: int) -> tuple[Passage, ...]:
    """The lead's enrollments, newest first."""
    rows = session.execute(
        select(Enrollment, Campaign, CampaignVersion.number, Due.due_at)
        .join(Campaign, Campaign.id == Enrollment.campaign_id)
        .join(CampaignVersion, CampaignVersion.id == Enrollment.version_id)
        .outerjoin(Due, Due.enrollment_id == Enrollment.id)
        .where(Enrollment.lead_id == lead_id)
        .order_by(Enrollment.id.desc())
        .limit(PAGE)
    )
    return tuple(
        Passage(
            id=enrollment.id,
            campaign=campaign.name,
            slug=campaign.slug,
            version=number,
            status=enrollment.status,
            position=enrollment.position or "",
            cause=enrollment.cause,
            entered_at=enrollment.entered_at,
            ended_at=enrollment.ended_at,
            reason=enrollment.reason or "",
            due_at=due_at,
        )
        for enrollment, campaign, number, due_at in rows
    )


def ledger_of(session: Session, lead_id: int, generation: int) -> tuple[Entry, ...]:
    """The lead's whole score ledger in one generation, oldest first."""
    rows = session.scalars(
        select(ScoreEntry)
        .where(ScoreEntry.lead_id == lead_id, ScoreEntry.generation == generation)
        .order_by(ScoreEntry.effective_at, ScoreEntry.id)
    )
    return tuple(
        Entry(
            rule=row.rule,
            dedupe_key=row.dedupe_key,
            seq=row.seq,
            raw=row.raw,
            cut=row.cut,
            effective_at=row.effective_at,
            event_id=row.event_id,
            reverses=row.reverses,
            note=row.note,
            id=row.id,
        )
        for row in rows
    )


def decisions_of(session: Session, lead_id: int, before: int | None = None) -> tuple[Why, ...]:
    """Why the lead was or was not sent something, newest first; those older than the id `before`."""
    statement = (
        select(Decision, Campaign.name)
        .outerjoin(Campaign, Campaign.slug == Decision.campaign)
        .where(Decision.lead_id == lead_id)
        .order_by(Decision.at.desc(), Decision.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        statement = statement.where(Decision.id < before)
    return tuple(_why(decision, name) for decision, name in session.execute(statement))


def decisions_about(session: Session, lead_id: int, message_id: int) -> tuple[Why, ...]:
    """What was decided about one message, oldest first."""
    rows = session.execute(
        select(Decision, Campaign.name)
        .outerjoin(Campaign, Campaign.slug == Decision.campaign)
        .where(Decision.lead_id == lead_id, Decision.message_id == message_id)
        .order_by(Decision.at, Decision.id)
    )
    return tuple(_why(decision, name) for decision, name in rows)


def _why(decision: Decision, campaign: str | None) -> Why:
    return Why(
        id=decision.id,
        at=decision.at,
        campaign=campaign or decision.campaign or "",
        step=decision.step or "",
        outcome=decision.outcome,
        reason=decision.reason,
        sentence=decision.sentence,
        values=tuple((name, str(value)) for name, value in sorted(decision.values_seen.items())),
        next_at=decision.next_at,
        message_id=decision.message_id,
    )
