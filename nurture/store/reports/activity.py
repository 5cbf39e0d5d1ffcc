"""The latest that happened with anybody: one short read at the end of one index per kind."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, union_all
from sqlalchemy.orm import Session

from nurture.domain.events import HUMAN_EVIDENCE, JUDGED, EventKind
from nurture.store.schema import EventRow, LadderChange, Lead, MessageContent

SHOWN = (
    EventKind.EMAIL_OPENED,
    EventKind.EMAIL_CLICKED,
    EventKind.EMAIL_REPLIED,
    EventKind.EMAIL_BOUNCED,
    EventKind.EMAIL_COMPLAINED,
    EventKind.UNSUBSCRIBED,
    EventKind.FORM_SUBMITTED,
    EventKind.ASSET_DOWNLOADED,
    EventKind.DEMO_REQUESTED,
    EventKind.QUOTE_REQUESTED,
    EventKind.PURCHASED,
    EventKind.CALL_LOGGED,
    EventKind.CHAT_MESSAGE,
)
LADDERS = ("lifecycle", "stage")


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened; `kind` is an event's, or `lifecycle` or `stage` for a move to `what`."""

    lead_id: int
    name: str
    kind: str
    what: str
    at: datetime


def lead_name(lead: Lead) -> str:
    """What a lead is called on pages: the name, else the address, else a number."""
    name = " ".join(part for part in (lead.first_name, lead.last_name) if part)
    return name or lead.address or f"Lead {lead.id}"


def latest_activity(session: Session, limit: int) -> tuple[Activity, ...]:
    """The newest events (of people, not machines) and moves on the ladders, newest first."""
    found = [*_events(session, limit), *_moves(session, limit)]
    return tuple(sorted(found, key=lambda activity: activity.at, reverse=True)[:limit])


def _events(session: Session, limit: int) -> list[Activity]:
    parts = [select(_newest_of(kind, limit).subquery()) for kind in SHOWN]
    newest = union_all(*parts).subquery()
    rows = session.execute(
        select(Lead, EventRow.kind, EventRow.at, MessageContent.subject)
        .select_from(newest)
        .join(EventRow, EventRow.id == newest.c.id)
        .join(Lead, Lead.id == EventRow.lead_id)
        .outerjoin(MessageContent, MessageContent.message_id == EventRow.message_id)
        .order_by(EventRow.at.desc(), EventRow.id)
        .limit(limit)
    )
    return [Activity(lead.id, lead_name(lead), kind, subject or "", at) for lead, kind, at, subject in rows]


def _newest_of(kind: EventKind, limit: int) -> Select[int]:
    statement = select(EventRow.id).where(EventRow.kind == kind)
    if kind in JUDGED:
        statement = statement.where(EventRow.verdict.in_(HUMAN_EVIDENCE))
    return statement.order_by(EventRow.at.desc()).limit(limit)


def _moves(session: Session, limit: int) -> list[Activity]:
    found = []
    for ladder in LADDERS:
        rows = session.execute(
            select(Lead, LadderChange.to, LadderChange.at)
            .join(Lead, Lead.id == LadderChange.lead_id)
            .where(LadderChange.ladder == ladder, LadderChange.from_.is_not(None))
            .order_by(LadderChange.at.desc())
            .limit(limit)
        )
        found += [Activity(lead.id, lead_name(lead), ladder, to, at) for lead, to, at in rows]
    return found
