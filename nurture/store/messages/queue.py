"""What comes into the outbox beside a campaign's messages, and what is taken out again before it is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.sending import MessageState
from nurture.store.base import chunks
from nurture.store.dbclock import on_postgresql
from nurture.store.messages.names import new_mid
from nurture.store.messages.outcomes import Line, give_back_pieces, log
from nurture.store.schema import Message, MessageContent

SYSTEM_PRIORITY = 100
NOT_YET_SENT = (MessageState.PENDING, MessageState.CLAIMED)


@dataclass(frozen=True, slots=True)
class SystemMail:
    """A mail of the house itself: an opt-in to confirm, an alert, a password to reset.

    `merge` holds what its template sees beside the usual (`action_url`, `expires_in`, `alert` …). One
    `dedupe_key` is one mail, however often it is queued.
    """

    address: str
    template_version_id: str
    dedupe_key: str
    merge: Mapping[str, Any] = field(default_factory=dict)
    lead_id: int | None = None
    user_id: int | None = None
    identity: str = "default"
    not_after: datetime | None = None


def queue_system(session: Session, mail: SystemMail, now: datetime) -> int | None:
    """Queue a mail of kind `system`, ahead of all marketing; None where its key was queued before."""
    upsert = postgresql.insert if on_postgresql(session) else sqlite.insert
    message_id: int | None = session.scalar(
        upsert(Message)
        .values(
            mid=new_mid(),
            kind="system",
            lead_id=mail.lead_id,
            user_id=mail.user_id,
            address=mail.address,
            dedupe_key=mail.dedupe_key,
            template_version_id=mail.template_version_id,
            identity=mail.identity,
            priority=SYSTEM_PRIORITY,
            state=MessageState.PENDING,
            planned_at=now,
            due_at=now,
            not_after=mail.not_after,
        )
        .on_conflict_do_nothing(index_elements=[Message.kind, Message.dedupe_key])
        .returning(Message.id)
    )
    if message_id is not None:
        content = {"message_id": message_id, "merge": dict(mail.merge), "subject": "", "rendered_at": now}
        session.execute(insert(MessageContent).values(content))
    return message_id


def cancel_pending(session: Session, enrollment_ids: Iterable[int], reason: str, now: datetime) -> int:
    """Take back what these enrollments still have in the outbox; returns how many messages.

    What was handed over already stays as it is. Pieces are given back, and the decision log says why.
    """
    ended = 0
    for ids in chunks(sorted(set(enrollment_ids))):
        which = Message.enrollment_id.in_(ids)
        ended += _end(session, which, MessageState.CANCELLED, Line("cancelled", reason, "Taken back."), now)
    return ended


def suppress_pending(
    session: Session, lead_ids: Iterable[int], reason: str, now: datetime, topic: str | None = None
) -> int:
    """Stop the campaign messages that these leads still have in the outbox, of one topic or of all.

    Returns how many. The caller writes the suppression in the same transaction, before this.
    """
    ended = 0
    for ids in chunks(sorted(set(lead_ids))):
        which = Message.lead_id.in_(ids) & (Message.kind == "campaign")
        if topic is not None:
            which &= Message.topic == topic
        line = Line("suppressed", reason, "The lead may not be mailed any more.")
        ended += _end(session, which, MessageState.SUPPRESSED, line, now)
    return ended


def _end(session: Session, which: ColumnElement[bool], state: MessageState, line: Line, now: datetime) -> int:
    ids = session.scalars(
        update(Message)
        .where(which, Message.state.in_(NOT_YET_SENT))
        .values(state=state, reason=line.reason, done_at=now, claim_token=None, lease_until=None)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    give_back_pieces(session, ids)
    log(session, line, ids, now)
    return len(ids)
