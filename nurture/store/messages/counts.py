"""What the outbox adds up to: the figures that health checks compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from nurture.domain.sending import MessageState
from nurture.store.dbclock import database_clock
from nurture.store.messages.doubt import IN_DOUBT
from nurture.store.schema import Decision, Message, ReadPiece


def counts_by_state(session: Session, kind: str | None = None) -> dict[str, int]:
    """How many messages stand in each state; states without any are 0."""
    statement = select(Message.state, func.count()).group_by(Message.state)
    if kind is not None:
        statement = statement.where(Message.kind == kind)
    found = {state: count for state, count in session.execute(statement)}  # noqa: C416 - a row is no tuple.
    return {state.value: found.get(state.value, 0) for state in MessageState}


def planned_by_decisions(session: Session) -> int:
    """How many campaign messages the decision log says were queued."""
    statement = select(func.count()).where(Decision.outcome == "queued", Decision.message_id.is_not(None))
    return session.scalar(statement) or 0


def unlogged(session: Session, limit: int = 20) -> Sequence[int]:
    """Campaign messages for which the decision log has not exactly one queueing."""
    queued = func.count(Decision.id)
    statement = (
        select(Message.id)
        .outerjoin(Decision, (Decision.message_id == Message.id) & (Decision.outcome == "queued"))
        .where(Message.kind == "campaign")
        .group_by(Message.id)
        .having(queued != 1)
        .order_by(Message.id)
        .limit(limit)
    )
    return session.scalars(statement).all()


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message whose outcome nobody knows."""

    message_id: int
    mid: str
    lead_id: int | None
    state: str


def in_doubt(session: Session, limit: int = 1000) -> list[Doubt]:
    """The messages that the mailer may or may not have, the oldest first."""
    rows = session.execute(
        select(Message.id, Message.mid, Message.lead_id, Message.state)
        .where(Message.state.in_(IN_DOUBT))
        .order_by(Message.sending_at, Message.id)
        .limit(limit)
    )
    return [Doubt(*row) for row in rows]


def open_too_long(session: Session, bound: timedelta) -> int:
    """How many messages are claimed or being sent for longer than any of it may take."""
    past = database_clock(session, -bound)
    open_states = (MessageState.CLAIMED, MessageState.SENDING)
    late = or_(Message.lease_until < past, Message.sending_at < past)
    return session.scalar(select(func.count()).where(Message.state.in_(open_states), late)) or 0


def pieces_held_in_vain(session: Session, limit: int = 1000) -> Sequence[int]:
    """Messages that will not be sent and still keep a piece from their lead."""
    ended = (MessageState.FAILED, MessageState.SUPPRESSED, MessageState.CANCELLED)
    statement = (
        select(Message.id)
        .join(ReadPiece, ReadPiece.message_id == Message.id)
        .where(Message.state.in_(ended))
        .order_by(Message.id)
        .limit(limit)
    )
    return session.scalars(statement).all()
