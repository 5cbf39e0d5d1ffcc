"""A lead's timeline: what it did, what it was sent, what it was not sent, and how it moved."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from nurture.domain.values import Scalar
from nurture.store.reports.lead import PAGE
from nurture.store.schema import Campaign, Decision, EventRow, LadderChange, Message, MessageContent

NOT_SENT = ("later", "passed_over", "holdout", "not_entered", "refused", "failed")
"""Outcomes of decisions by which something was not sent, now or at all."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing on the timeline; `kind` is an event's, `message`, `not_sent`, or `lifecycle` / `stage`."""

    at: datetime
    kind: str
    title: str
    detail: tuple[tuple[str, Scalar], ...] = ()
    verdict: str = ""
    message_id: int | None = None
    state: str = ""


def timeline(session: Session, lead_id: int, before: datetime | None = None) -> tuple[Happening, ...]:
    """Events, messages, non-sends and moves, newest first; those before `before` where it is given."""
    found = [
        *_events(session, lead_id, before),
        *_messages(session, lead_id, before),
        *_not_sent(session, lead_id, before),
        *_moves(session, lead_id, before),
    ]
    # A message is told when it left, which may be after the page that its planning belongs to.
    shown = (happening for happening in found if before is None or happening.at < before)
    return tuple(sorted(shown, key=lambda happening: happening.at, reverse=True)[: PAGE + 1])


def _events(session: Session, lead_id: int, before: datetime | None) -> list[Happening]:
    statement: Select[EventRow, str | None] = (
        select(EventRow, MessageContent.subject)
        .outerjoin(MessageContent, MessageContent.message_id == EventRow.message_id)
        .where(EventRow.lead_id == lead_id, EventRow.kind != "moved")
        .order_by(EventRow.at.desc(), EventRow.id)
        .limit(PAGE + 1)
    )
    if before is not None:
        statement = statement.where(EventRow.at < before)
    return [
        Happening(
            at=event.at,
            kind=event.kind,
            title=subject or "",
            detail=tuple(sorted(event.data.items())),
            verdict=event.verdict or "",
            message_id=event.message_id,
        )
        for event, subject in session.execute(statement)
    ]


def _messages(session: Session, lead_id: int, before: datetime | None) -> list[Happening]:
    statement = (
        select(Message, MessageContent.subject, Campaign.name)
        .outerjoin(MessageContent, MessageContent.message_id == Message.id)
        .outerjoin(Campaign, Campaign.id == Message.campaign_id)
        .where(Message.lead_id == lead_id)
        .order_by(Message.planned_at.desc(), Message.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        statement = statement.where(Message.planned_at < before)
    return [
        Happening(
            at=message.sent_at or message.done_at or message.planned_at,
            kind="message",
            title=subject or message.step or message.kind,
            detail=(("campaign", campaign), ("step", message.step), ("reason", message.reason)),
            message_id=message.id,
            state=message.state,
        )
        for message, subject, campaign in session.execute(statement)
    ]


def _not_sent(session: Session, lead_id: int, before: datetime | None) -> list[Happening]:
    """What was not sent and has no message of its own to tell it."""
    talking = and_(Decision.outcome == "waits", Decision.reason == "conversation")
    statement = (
        select(Decision, Campaign.name)
        .outerjoin(Campaign, Campaign.slug == Decision.campaign)
        .where(Decision.lead_id == lead_id, Decision.message_id.is_(None))
        .where(or_(Decision.outcome.in_(NOT_SENT), talking))
        .order_by(Decision.at.desc(), Decision.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        statement = statement.where(Decision.at < before)
    return [
        Happening(
            at=decision.at,
            kind="not_sent",
            title=decision.sentence or decision.reason,
            detail=(("campaign", campaign), ("step", decision.step)),
            state=decision.outcome,
        )
        for decision, campaign in session.execute(statement)
    ]


def _moves(session: Session, lead_id: int, before: datetime | None) -> list[Happening]:
    statement = (
        select(LadderChange)
        .where(LadderChange.lead_id == lead_id)
        .order_by(LadderChange.at.desc(), LadderChange.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        statement = statement.where(LadderChange.at < before)
    return [
        Happening(
            at=change.at,
            kind=change.ladder,
            title=change.to,
            detail=(("from", change.from_), ("rule", change.rule), ("reason", change.reason)),
        )
        for change in session.scalars(statement)
    ]
