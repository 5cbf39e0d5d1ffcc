"""What became of a message at one of its steps: compare-and-set, its reason, its piece, its log line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from sqlalchemy import Insert, Update, bindparam, delete, func, insert, literal, null, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from nurture.domain.sending import MessageState, Reception
from nurture.store.base import chunks
from nurture.store.schema import Campaign, Decision, Message, ReadPiece

NEVER_SENT = frozenset({MessageState.FAILED, MessageState.SUPPRESSED, MessageState.CANCELLED})
"""Ends that give the lead its piece back."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The next state of a message that we hold by `token`, and why.

    `word` is the outcome in the decision log (`sent`, `later`, `failed` …); `""` writes no line. `due_at`
    moves a message that goes back to pending.
    """

    message_id: int
    token: str
    state: MessageState
    word: str = ""
    reason: str = ""
    sentence: str = ""
    due_at: datetime | None = None
    provider_id: str | None = None


FROM_CLAIM = (MessageState.CLAIMED,)
FROM_MAILER = (MessageState.SENDING, MessageState.UNCONFIRMED)
"""The sweep may have been faster than the mailer's answer; the token still proves whose answer it is."""


def record(
    session: Session, outcomes: Sequence[Outcome], came_from: tuple[MessageState, ...], now: datetime
) -> set[int]:
    """Write outcomes where the message still is ours; returns the messages that were.

    Pieces of messages that will not be sent are given back, and the decision log gets its lines, all in
    this transaction.
    """
    if not outcomes:
        return set()
    changed = _compare_and_set(session, outcomes, came_from, now)
    ours = [outcome for outcome in outcomes if outcome.message_id in changed]
    give_back_pieces(session, [outcome.message_id for outcome in ours if outcome.state in NEVER_SENT])
    for line, group in _by_line(ours).items():
        log(session, line, group, now)
    return changed


def give_back_pieces(session: Session, message_ids: Iterable[int]) -> None:
    """Let leads have the pieces of these messages another time."""
    for ids in chunks(message_ids):
        session.execute(delete(ReadPiece).where(ReadPiece.message_id.in_(ids)))


@dataclass(frozen=True, slots=True)
class Line:
    """What the decision log says of several messages alike."""

    outcome: str
    reason: str = ""
    sentence: str = ""
    next_at: datetime | None = None


def log(session: Session, line: Line, message_ids: Iterable[int], now: datetime) -> None:
    """Append the line once for each of these messages that belongs to a lead."""
    for ids in chunks(message_ids):
        parameters = {
            "ids": ids,
            "now": now,
            "word": line.outcome,
            "why": line.reason,
            "said": line.sentence,
            "next": line.next_at,
        }
        session.connection().execute(_log_statement(), parameters)


@cache
def _log_statement() -> Insert:
    columns = Decision.__table__.c
    about = (
        select(
            bindparam("now", type_=columns.at.type),
            Message.lead_id,
            Message.enrollment_id,
            Campaign.slug,
            Message.step,
            Message.id,
            bindparam("word", type_=columns.outcome.type),
            bindparam("why", type_=columns.reason.type),
            bindparam("said", type_=columns.sentence.type),
            literal({}, columns.values_seen.type),
            bindparam("next", type_=columns.next_at.type),
        )
        .outerjoin(Campaign, Campaign.id == Message.campaign_id)
        .where(Message.id.in_(bindparam("ids", expanding=True)), Message.lead_id.is_not(None))
        .order_by(Message.id)
    )
    return insert(Decision).from_select(_LOGGED, about)


_LOGGED = [
    "at",
    "lead_id",
    "enrollment_id",
    "campaign",
    "step",
    "message_id",
    "outcome",
    "reason",
    "sentence",
    "values_seen",
    "next_at",
]


def _by_line(outcomes: Sequence[Outcome]) -> dict[Line, list[int]]:
    lines: dict[Line, list[int]] = {}
    for outcome in outcomes:
        if outcome.word:
            line = Line(outcome.word, outcome.reason, outcome.sentence, outcome.due_at)
            lines.setdefault(line, []).append(outcome.message_id)
    return lines


def _compare_and_set(
    session: Session, outcomes: Sequence[Outcome], came_from: tuple[MessageState, ...], now: datetime
) -> set[int]:
    """Messages that change alike change in one statement, which returns those that still were ours."""
    alike: dict[Outcome, list[int]] = {}
    for outcome in outcomes:
        alike.setdefault(replace(outcome, message_id=0, provider_id=None), []).append(outcome.message_id)
    changed: set[int] = set()
    for outcome, ids in alike.items():
        values = {**_values(outcome, now), "ids": ids, "held_by": outcome.token}
        changed.update(session.connection().execute(_set(came_from), values).scalars())
    _keep_provider_ids(session, [outcome for outcome in outcomes if outcome.message_id in changed])
    return changed


def _keep_provider_ids(session: Session, outcomes: Sequence[Outcome]) -> None:
    rows = [{"which": o.message_id, "named": o.provider_id} for o in outcomes if o.provider_id]
    if rows:
        session.connection().execute(_name(), rows)


def _values(outcome: Outcome, now: datetime) -> dict[str, object]:
    sent = outcome.state is MessageState.SENT
    closed = sent or outcome.state in NEVER_SENT
    return {
        "to_state": outcome.state.value,
        "why": outcome.reason or None,
        "said": None if sent else outcome.sentence or None,
        "next_due": outcome.due_at,
        "ended": now if closed else None,
        "accepted": now if sent else None,
        "received": Reception.ACCEPTED.value if sent else None,
        "kept_token": None if outcome.state is MessageState.PENDING else outcome.token,
    }


@cache
def _set(came_from: tuple[MessageState, ...]) -> ReturningUpdate[int]:
    columns = Message.__table__.c
    return (
        update(Message)
        .where(
            Message.id.in_(bindparam("ids", expanding=True)),
            Message.claim_token == bindparam("held_by"),
            or_(*(Message.state == state.value for state in came_from)),
        )
        .values(
            state=bindparam("to_state"),
            reason=bindparam("why"),
            error=bindparam("said"),
            due_at=func.coalesce(bindparam("next_due", type_=columns.due_at.type), Message.due_at),
            done_at=bindparam("ended", type_=columns.done_at.type),
            sent_at=bindparam("accepted", type_=columns.sent_at.type),
            reception=func.coalesce(Message.reception, bindparam("received")),
            claim_token=bindparam("kept_token"),
            lease_until=null(),
        )
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )


@cache
def _name() -> Update:
    return update(Message).where(Message.id == bindparam("which")).values(provider_id=bindparam("named"))
