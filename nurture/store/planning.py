"""What planning reads of a lead's past mail, and the messages that it adds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from nurture.domain.sending import SPENT
from nurture.store.base import chunks
from nurture.store.schema import Message, ReadPiece, Task, User

CAMPAIGN = "campaign"
"""The kind of message that campaigns send."""


def sent_steps(session: Session, enrollment_ids: Iterable[int]) -> dict[int, frozenset[tuple[str, int]]]:
    """The (step, occurrence) of every message that these enrollments ever had, whatever became of it."""
    found: defaultdict[int, set[tuple[str, int]]] = defaultdict(set)
    for ids in chunks(enrollment_ids):
        rows = session.execute(
            select(Message.enrollment_id, Message.step, Message.occurrence).where(
                Message.enrollment_id.in_(ids)
            )
        )
        for enrollment_id, step, occurrence in rows:
            found[int(enrollment_id or 0)].add((str(step), occurrence))
    return {enrollment_id: frozenset(steps) for enrollment_id, steps in found.items()}


def attention_spent(
    session: Session, lead_ids: Iterable[int], since: datetime
) -> dict[int, tuple[datetime, ...]]:
    """When these leads were sent, or are about to be sent, campaign messages after `since`."""
    found: defaultdict[int, list[datetime]] = defaultdict(list)
    at = func.coalesce(Message.sent_at, Message.planned_at)
    for ids in chunks(lead_ids):
        rows = session.execute(
            select(Message.lead_id, Message.sent_at, Message.planned_at)
            .where(Message.lead_id.in_(ids), Message.kind == CAMPAIGN, at > since)
            .where(Message.state.in_(sorted(SPENT)))
            .order_by(Message.id)
        )
        for lead_id, sent_at, planned_at in rows:
            found[int(lead_id or 0)].append(sent_at or planned_at)
    return {lead_id: tuple(instants) for lead_id, instants in found.items()}


def pieces_read(session: Session, lead_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """The pieces that these leads have had, or are about to be sent, from any campaign."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for ids in chunks(lead_ids):
        rows = session.execute(select(ReadPiece.lead_id, ReadPiece.piece).where(ReadPiece.lead_id.in_(ids)))
        for lead_id, piece in rows:
            found[lead_id].add(piece)
    return {lead_id: frozenset(pieces) for lead_id, pieces in found.items()}


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A campaign message about to be queued; `mid` is its public name, which nobody can guess."""

    mid: str
    lead_id: int
    enrollment_id: int
    campaign_id: int
    step: str
    occurrence: int
    template_version_id: str
    piece: str | None
    topic: str | None
    identity: str
    priority: int
    not_after: datetime | None


def queue_messages(session: Session, messages: Sequence[NewMessage], now: datetime) -> dict[str, int]:
    """Insert them as pending, with the pieces they use up; gives their ids by `mid`.

    Raises:
        IntegrityError: when a step was queued before, or a lead has had a piece; nothing is queued then.
    """
    ids: dict[str, int] = {}
    for batch in chunks(messages, 500):
        rows = session.connection().execute(
            insert(Message).returning(Message.mid, Message.id), [_row(message, now) for message in batch]
        )
        ids.update({mid: message_id for mid, message_id in rows})  # noqa: C416 - rows are no pairs to mypy.
        pieces = [
            {"lead_id": message.lead_id, "piece": message.piece, "message_id": ids[message.mid], "at": now}
            for message in batch
            if message.piece is not None
        ]
        if pieces:
            session.connection().execute(insert(ReadPiece), pieces)
    return ids


def _row(message: NewMessage, now: datetime) -> dict[str, object]:
    return {
        "mid": message.mid,
        "kind": CAMPAIGN,
        "lead_id": message.lead_id,
        "enrollment_id": message.enrollment_id,
        "campaign_id": message.campaign_id,
        "step": message.step,
        "occurrence": message.occurrence,
        "topic": message.topic,
        "template_version_id": message.template_version_id,
        "piece": message.piece,
        "identity": message.identity,
        "priority": message.priority,
        "state": "pending",
        "planned_at": now,
        "due_at": now,
        "not_after": message.not_after,
    }


def users_by_address(session: Session, addresses: Iterable[str]) -> dict[str, int]:
    """The users with these addresses who may sign in."""
    rows = session.execute(
        select(User.address, User.id).where(User.address.in_(set(addresses)), User.disabled_at.is_(None))
    )
    return {address: user_id for address, user_id in rows}  # noqa: C416 - rows are no pairs to mypy.


def owners_in_turn(session: Session, count: int) -> list[int | None]:
    """Whose turn it is to take over the next `count` leads that belong to nobody.

    Everybody takes turns who may do more than look; None where there is nobody.
    """
    owners = session.scalars(
        select(User.id).where(User.role != "viewer", User.disabled_at.is_(None)).order_by(User.id)
    ).all()
    if not owners or not count:
        return [None] * count
    given = session.scalar(select(func.count()).select_from(Task).where(Task.owner_id.is_not(None))) or 0
    return [owners[(given + turn) % len(owners)] for turn in range(count)]
