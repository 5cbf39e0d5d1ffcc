"""Everything about one lead, as data: who it is, why its score, what it was sent and why it was not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nurture.domain.errors import NotFound
from nurture.domain.scoring.shown import rating, shown
from nurture.domain.values import LeadView
from nurture.net.addresses import normalise
from nurture.services.house import House, load_house
from nurture.services.runtime import Runtime
from nurture.store.leads import lead_views
from nurture.store.schema import Campaign, Decision, Lead, Message, ScoreEntry

NEWEST = 500
"""How many rows of each ledger are told."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a lead and what was decided about it, ready for JSON; newest first."""

    lead: dict[str, Any]
    score_entries: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    decisions: list[dict[str, Any]]


def explain(runtime: Runtime, address: str, now: datetime) -> Explanation:
    """Explain the lead with this address.

    Raises:
        AddressError: it is no address.
        NotFound: there is no such lead.
    """
    wanted = normalise(address)
    with runtime.read() as session:
        row = session.scalar(select(Lead).where(Lead.address == wanted))
        if row is None:
            raise NotFound(f"There is no lead with the address {wanted}.")
        house = load_house(session)
        view = lead_views(session, [row.id])[row.id]
        return Explanation(
            lead=_lead(view, row.not_mailable_because, house, now),
            score_entries=_entries(session, row.id, house),
            messages=_messages(session, row.id),
            decisions=_decisions(session, row.id),
        )


def _lead(view: LeadView, not_mailable_because: str | None, house: House, now: datetime) -> dict[str, Any]:
    engagement = shown(view.score.at(now, house.half_life)) if view.score else 0.0
    return {
        "id": view.id,
        "address": view.address,
        "first_name": view.first_name,
        "last_name": view.last_name,
        "language": view.language,
        "zone": view.zone,
        "company": view.company.name if view.company else None,
        "industry": view.company.industry if view.company else None,
        "lifecycle": view.lifecycle.value,
        "lifecycle_since": _when(view.lifecycle_since),
        "stage": view.stage.value,
        "stage_since": _when(view.stage_since),
        "engagement": engagement,
        "fit": view.fit.value,
        "rating": rating(view.fit, engagement, house.scoring.bands),
        "mailable": view.mailable,
        "not_mailable_because": not_mailable_because,
        "refused_topics": sorted(view.refused_topics),
        "conversation_since": _when(view.conversation_since),
        "paused_until": _when(view.paused_until),
        "tags": sorted(view.tags),
        "campaigns": sorted(view.campaigns),
        "fields": dict(view.fields),
    }


def _entries(session: Session, lead_id: int, house: House) -> list[dict[str, Any]]:
    generation = house.active.id if house.active else None
    rows = session.scalars(
        select(ScoreEntry)
        .where(ScoreEntry.lead_id == lead_id, ScoreEntry.generation == generation)
        .order_by(ScoreEntry.effective_at.desc(), ScoreEntry.id.desc())
        .limit(NEWEST)
    )
    return [
        {
            "id": row.id,
            "rule": row.rule,
            "event_id": row.event_id,
            "raw": row.raw,
            "cut": row.cut,
            "net": row.net,
            "reverses": row.reverses,
            "note": row.note,
            "effective_at": _when(row.effective_at),
            "recorded_at": _when(row.recorded_at),
        }
        for row in rows
    ]


def _messages(session: Session, lead_id: int) -> list[dict[str, Any]]:
    rows = session.execute(
        select(Message, Campaign.slug)
        .outerjoin(Campaign, Campaign.id == Message.campaign_id)
        .where(Message.lead_id == lead_id)
        .order_by(Message.planned_at.desc(), Message.id.desc())
        .limit(NEWEST)
    )
    return [
        {
            "id": message.id,
            "kind": message.kind,
            "campaign": slug,
            "step": message.step,
            "occurrence": message.occurrence,
            "piece": message.piece,
            "template_version": message.template_version_id,
            "state": message.state,
            "reason": message.reason,
            "reception": message.reception,
            "planned_at": _when(message.planned_at),
            "due_at": _when(message.due_at),
            "sent_at": _when(message.sent_at),
            "error": message.error,
        }
        for message, slug in rows
    ]


def _decisions(session: Session, lead_id: int) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(Decision)
        .where(Decision.lead_id == lead_id)
        .order_by(Decision.at.desc(), Decision.id.desc())
        .limit(NEWEST)
    )
    return [
        {
            "at": _when(row.at),
            "campaign": row.campaign,
            "step": row.step,
            "outcome": row.outcome,
            "reason": row.reason,
            "sentence": row.sentence,
            "values_seen": row.values_seen,
            "next_at": _when(row.next_at),
            "message_id": row.message_id,
        }
        for row in rows
    ]


def _when(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
