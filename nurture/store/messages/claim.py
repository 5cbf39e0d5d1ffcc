"""Taking due messages under a lease, so that one worker at a time prepares them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from nurture.domain.sending import MessageState
from nurture.store.dbclock import database_clock
from nurture.store.messages.outcomes import FROM_CLAIM, Outcome, record
from nurture.store.schema import Campaign, Message


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours until its lease lapses; `attempts` were made before."""

    id: int
    mid: str
    kind: str
    lead_id: int | None
    user_id: int | None
    address: str | None
    enrollment_id: int | None
    campaign_id: int | None
    step: str | None
    topic: str | None
    template_version_id: str | None
    piece: str | None
    identity: str
    priority: int
    planned_at: datetime
    due_at: datetime
    not_after: datetime | None
    attempts: int
    token: str


def claim(session: Session, now: datetime, limit: int, lease: timedelta) -> list[Claimed]:
    """At most `limit` messages that are due, the most important and oldest first.

    Messages of campaigns that do not run stay where they are. The lease is by the database's clock.
    """
    running = select(Campaign.id).where(Campaign.status == "active")
    due = (
        select(Message.id)
        .where(
            Message.state == MessageState.PENDING,
            Message.due_at <= now,
            or_(Message.campaign_id.is_(None), Message.campaign_id.in_(running)),
        )
        .order_by(Message.priority.desc(), Message.due_at, Message.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Message)
        .cte("due_messages")
    )
    rows = session.execute(
        update(Message)
        .where(Message.id.in_(select(due.c.id)), Message.state == MessageState.PENDING)
        .values(
            state=MessageState.CLAIMED,
            claim_token=secrets.token_hex(16),
            lease_until=database_clock(session, lease),
        )
        .returning(*_COLUMNS)
        .execution_options(synchronize_session=False)
    )
    found = [Claimed(**row._mapping) for row in rows]
    return sorted(found, key=lambda message: (-message.priority, message.due_at, message.id))


def release(session: Session, messages: Sequence[Claimed], now: datetime) -> None:
    """Give messages back that were claimed and will not be sent now; the mailer knows nothing of them."""
    outcomes = [Outcome(message.id, message.token, MessageState.PENDING) for message in messages]
    record(session, outcomes, FROM_CLAIM, now)


_COLUMNS = (
    Message.id,
    Message.mid,
    Message.kind,
    Message.lead_id,
    Message.user_id,
    Message.address,
    Message.enrollment_id,
    Message.campaign_id,
    Message.step,
    Message.topic,
    Message.template_version_id,
    Message.piece,
    Message.identity,
    Message.priority,
    Message.planned_at,
    Message.due_at,
    Message.not_after,
    Message.attempts,
    Message.claim_token.label("token"),
)
