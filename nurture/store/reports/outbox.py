"""Messages as the outbox shows them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from nurture.store.reports.activity import lead_name
from nurture.store.reports.counting import Count, count_up_to
from nurture.store.schema import Campaign, Lead, Message, MessageContent, OutboxMail

PAGE = 30
FEW = 1000

STATES = ("pending", "claimed", "sending", "sent", "failed", "unconfirmed", "suppressed", "cancelled")
COUNTED_STATES = ("pending", "failed", "unconfirmed", "suppressed", "cancelled")
"""States that an index of their own finds; the sent ones are counted by the roll-up."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as lists show it."""

    id: int
    mid: str
    kind: str
    state: str
    reception: str
    subject: str
    lead_id: int | None
    to: str
    address: str
    campaign: str
    campaign_slug: str
    step: str
    piece: str
    planned_at: datetime
    due_at: datetime
    sent_at: datetime | None
    done_at: datetime | None
    attempts: int
    provider: str
    provider_id: str
    reason: str
    error: str
    enrollment_id: int | None
    template_version_id: str | None


def message_rows(session: Session, state: str, page: int) -> tuple[MessageRow, ...]:
    """One row more than a page of the messages in `state`, of all where it is empty."""
    statement = _joined()
    match state:
        case "":
            statement = statement.order_by(Message.id.desc())
        case "sent":
            statement = statement.where(Message.sent_at.is_not(None), Message.state == state)
            statement = statement.order_by(Message.sent_at.desc(), Message.id.desc())
        case "pending":
            statement = statement.where(Message.state == state).order_by(Message.due_at, Message.id)
        case _:
            statement = statement.where(Message.state == state).order_by(Message.id.desc())
    rows = session.execute(statement.limit(PAGE + 1).offset((page - 1) * PAGE))
    return tuple(_row(*row) for row in rows)


def message_by_id(session: Session, message_id: int) -> MessageRow | None:
    """One message."""
    row = session.execute(_joined().where(Message.id == message_id)).one_or_none()
    return None if row is None else _row(*row)


def in_doubt(session: Session, limit: int = 100) -> tuple[MessageRow, ...]:
    """Messages of which nobody knows whether they were taken, the oldest first."""
    statement = _joined().where(Message.state == "unconfirmed").order_by(Message.id).limit(limit)
    return tuple(_row(*row) for row in session.execute(statement))


def counts(session: Session) -> dict[str, Count]:
    """How many messages are in each of the states that are worth a look, up to a thousand."""
    return {state: _count(session, state) for state in COUNTED_STATES}


def _count(session: Session, state: str) -> Count:
    return count_up_to(session, select(Message.id).where(Message.state == state), FEW)


def kept_raw(session: Session, mid: str) -> bytes | None:
    """The whole mail as the built-in outbox kept it."""
    return session.scalar(select(OutboxMail.raw).where(OutboxMail.mid == mid))


def _joined() -> Select[Message, Lead, Campaign, str | None]:
    return (
        select(Message, Lead, Campaign, MessageContent.subject)
        .outerjoin(Lead, Lead.id == Message.lead_id)
        .outerjoin(Campaign, Campaign.id == Message.campaign_id)
        .outerjoin(MessageContent, MessageContent.message_id == Message.id)
    )


def _row(message: Message, lead: Lead | None, campaign: Campaign | None, subject: str | None) -> MessageRow:
    return MessageRow(
        id=message.id,
        mid=message.mid,
        kind=message.kind,
        state=message.state,
        reception=message.reception or "",
        subject=subject or "",
        lead_id=message.lead_id,
        to=lead_name(lead) if lead else message.address or "",
        address=message.address or (lead.address if lead else "") or "",
        campaign=campaign.name if campaign else "",
        campaign_slug=campaign.slug if campaign else "",
        step=message.step or "",
        piece=message.piece or "",
        planned_at=message.planned_at,
        due_at=message.due_at,
        sent_at=message.sent_at,
        done_at=message.done_at,
        attempts=message.attempts,
        provider=message.provider or "",
        provider_id=message.provider_id or "",
        reason=message.reason or "",
        error=message.error or "",
        enrollment_id=message.enrollment_id,
        template_version_id=message.template_version_id,
    )
