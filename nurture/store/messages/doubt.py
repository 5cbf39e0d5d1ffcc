"""What time, webhooks and people do to messages whose outcome nobody has recorded."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import Session

from nurture.domain.sending import RECEPTION_BELOW, MessageState, Reception
from nurture.store.dbclock import database_clock
from nurture.store.messages.outcomes import Line, give_back_pieces, log
from nurture.store.schema import CampaignVersion, Enrollment, Message

IN_DOUBT = (MessageState.SENDING, MessageState.UNCONFIRMED)
GIVEN_UP = (MessageState.FAILED, MessageState.CANCELLED)

UNANSWERED = Line(
    "unconfirmed", "no_answer", "It was handed over, and nobody can tell whether the mailer took it."
)
RESENT = Line("later", "resend_after_24h", "Nothing proves that it was taken, and the campaign sends again.")


def free_lapsed_claims(session: Session, limit: int = 1000) -> int:
    """Put messages back to pending whose worker let its lease lapse before the intent."""
    state = Message.state == MessageState.CLAIMED
    lapsed = select(Message.id).where(state, Message.lease_until < database_clock(session)).limit(limit)
    back = {"state": MessageState.PENDING, "claim_token": None, "lease_until": None}
    return len(_move(session, lapsed, state, back))


def doubt_stale_sendings(session: Session, stale: timedelta, now: datetime, limit: int = 1000) -> int:
    """Call messages unconfirmed that were handed over longer ago than any mailer takes to answer.

    They never go back to pending from here: the mailer may have them.
    """
    state = Message.state == MessageState.SENDING
    old = select(Message.id).where(state, Message.sending_at < database_clock(session, -stale)).limit(limit)
    ids = _move(session, old, state, {"state": MessageState.UNCONFIRMED, "reason": UNANSWERED.reason})
    log(session, UNANSWERED, ids, now)
    return len(ids)


def resend_by_policy(session: Session, after: timedelta, now: datetime, limit: int = 1000) -> int:
    """Send again what stayed unconfirmed for `after`, in campaigns that would rather be read twice."""
    state = Message.state == MessageState.UNCONFIRMED
    policy = CampaignVersion.definition["on_unconfirmed"].as_string()
    daring = (
        select(Message.id)
        .join(Enrollment, Enrollment.id == Message.enrollment_id)
        .join(CampaignVersion, CampaignVersion.id == Enrollment.version_id)
        .where(state, Message.sending_at < database_clock(session, -after), policy == "resend_after_24h")
        .limit(limit)
    )
    back = {"state": MessageState.PENDING, "reason": RESENT.reason, "due_at": now, "claim_token": None}
    ids = _move(session, daring, state, back)
    log(session, RESENT, ids, now)
    return len(ids)


def settle(session: Session, message_id: int, accepted: bool, now: datetime, how: str) -> bool:
    """Say what became of a message in doubt; False where it is not in doubt any more.

    `how` tells by whom or what it is known. A message that was not accepted ends as failed, and its piece
    is given back.
    """
    if accepted:
        line = Line("sent", "settled", how)
        values: dict[str, object] = {
            "state": MessageState.SENT,
            "sent_at": now,
            "reception": Reception.ACCEPTED,
        }
    else:
        line = Line("failed", "not_accepted", how)
        values = {"state": MessageState.FAILED}
    ids = _change(session, message_id, IN_DOUBT, reason=line.reason, error=how, done_at=now, **values)
    if not accepted:
        give_back_pieces(session, ids)
    log(session, line, ids, now)
    return bool(ids)


def send_again(session: Session, message_id: int, now: datetime, how: str) -> bool:
    """Put an unconfirmed message back to pending, at a person's risk that it arrives twice."""
    back: dict[str, object] = {"state": MessageState.PENDING, "due_at": now, "claim_token": None}
    ids = _change(session, message_id, (MessageState.UNCONFIRMED,), reason="send_again", **back)
    log(session, Line("later", "send_again", how), ids, now)
    return bool(ids)


def note_reception(session: Session, message_id: int, reception: Reception, now: datetime) -> bool:
    """Record what the receiver reports; False where as much was known before.

    It only moves up, whatever the order of reports. Any report proves that the message was taken, also
    one that had been given up while in doubt.
    """
    below = [lower.value for lower in RECEPTION_BELOW[reception]]
    risen = session.scalars(
        update(Message)
        .where(Message.id == message_id, or_(Message.reception.is_(None), Message.reception.in_(below)))
        .values(reception=reception)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    taken: dict[str, object] = {
        "state": MessageState.SENT,
        "sent_at": now,
        "done_at": now,
        "reason": "proved",
    }
    proved = _change(session, message_id, IN_DOUBT + GIVEN_UP, Message.sending_at.is_not(None), **taken)
    log(session, Line("sent", "proved", f"The receiver reports: {reception}."), proved, now)
    return bool(risen or proved)


def _move(
    session: Session, which: Select[int], still: ColumnElement[bool], values: Mapping[str, object]
) -> Sequence[int]:
    """Change the messages that a statement finds, leaving out those that somebody else is changing."""
    found = which.order_by(Message.id).with_for_update(skip_locked=True, of=Message).cte("found")
    return session.scalars(
        update(Message)
        .where(Message.id.in_(select(found.c.id)), still)
        .values(**values)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()


def _change(
    session: Session,
    message_id: int,
    came_from: tuple[MessageState, ...],
    *conditions: ColumnElement[bool],
    **values: object,
) -> Sequence[int]:
    return session.scalars(
        update(Message)
        .where(Message.id == message_id, Message.state.in_(came_from), *conditions)
        .values(**values)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
