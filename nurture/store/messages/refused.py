"""Why the binding check refused a message, read in the transaction in which it did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from nurture.domain.sending import MessageState
from nurture.store.dbclock import database_clock
from nurture.store.messages.intents import (
    CAMPAIGN,
    GOES_ON,
    SWITCHES,
    Intent,
    suppressed,
    suppressed_topic,
)
from nurture.store.messages.outcomes import Outcome
from nurture.store.schema import Enrollment, Lead, Message, Setting

LOOK_AGAIN = timedelta(hours=1)
"""When a message is looked at again that waits for a person to end a conversation."""

SHORTLY = timedelta(minutes=1)
"""The same where what spoke against it went away in between, or its passage is paused."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the binding check saw."""

    id: int
    state: str
    token: str | None
    kind: str
    not_after: datetime | None
    mailable: bool | None
    not_mailable_because: str | None
    paused_until: datetime | None
    conversation_since: datetime | None
    passage: str | None
    stopped: bool
    lapsed: bool
    wants_nothing: bool
    wants_no_marketing: bool
    refused_topic: bool


def why_refused(session: Session, intents: Sequence[Intent], now: datetime) -> list[Outcome]:
    """What is to become of messages that did not pass `take_intents` and were not busy.

    A message that is not ours any more gets no outcome. One for which no reason is left (it went away
    between the two statements) goes back to pending.
    """
    tokens = {intent.message_id: intent.token for intent in intents}
    talkative = {intent.message_id for intent in intents if intent.despite_conversation}
    outcomes = []
    for facts in _read(session, list(tokens), now):
        token = tokens[facts.id]
        if facts.state == MessageState.CLAIMED and facts.token == token:
            outcomes.append(_outcome(facts, token, facts.id in talkative, now))
    return outcomes


def _outcome(facts: _Facts, token: str, despite_conversation: bool, now: datetime) -> Outcome:
    state, reason, sentence = _end(facts, now)
    if state is not MessageState.PENDING:
        return Outcome(facts.id, token, state, state.value, reason, sentence)
    if facts.stopped or facts.lapsed:
        return Outcome(facts.id, token, state)
    if facts.paused_until is not None and facts.paused_until > now:
        sentence = "The lead asked for a break."
        return Outcome(facts.id, token, state, "later", "break", sentence, facts.paused_until)
    if facts.conversation_since is not None and not despite_conversation:
        sentence = "A person is talking to the lead; marketing waits until that is over."
        return Outcome(facts.id, token, state, "later", "conversation", sentence, now + LOOK_AGAIN)
    return Outcome(facts.id, token, state, due_at=now + SHORTLY)


def _end(facts: _Facts, now: datetime) -> tuple[MessageState, str, str]:
    """The state that a message ends in, why, and in words; pending where nothing ends it."""
    suppressed_, cancelled = MessageState.SUPPRESSED, MessageState.CANCELLED
    if facts.stopped:
        return MessageState.PENDING, "", ""
    if facts.not_after is not None and facts.not_after <= now:
        return cancelled, "expired", f"It was to go out before {facts.not_after:%Y-%m-%d %H:%M} UTC."
    if facts.wants_nothing:
        return suppressed_, "suppressed", "The address must not be mailed at all."
    if facts.kind != CAMPAIGN:
        return MessageState.PENDING, "", ""
    if facts.wants_no_marketing:
        return suppressed_, "unsubscribed", "The address must not be sent marketing."
    if facts.refused_topic:
        return suppressed_, "topic_refused", "The lead unsubscribed from the topic."
    if not facts.mailable:
        return suppressed_, "not_mailable", f"The lead may not be mailed: {facts.not_mailable_because}."
    if facts.passage not in (*GOES_ON, "paused"):
        return cancelled, "passage_ended", f"The lead's passage through the campaign is {facts.passage}."
    return MessageState.PENDING, "", ""


def _read(session: Session, message_ids: Sequence[int], now: datetime) -> list[_Facts]:
    rows = session.execute(
        select(
            Message.id,
            Message.state,
            Message.claim_token.label("token"),
            Message.kind,
            Message.not_after,
            Lead.mailable,
            Lead.not_mailable_because,
            Lead.paused_until,
            Lead.conversation_since,
            Enrollment.status.label("passage"),
            exists().where(Setting.name.in_(SWITCHES)).label("stopped"),
            (Message.lease_until <= database_clock(session)).label("lapsed"),
            suppressed(now, "all").label("wants_nothing"),
            suppressed(now, "marketing").label("wants_no_marketing"),
            suppressed_topic(now).label("refused_topic"),
        )
        .outerjoin(Lead, Lead.id == Message.lead_id)
        .outerjoin(Enrollment, Enrollment.id == Message.enrollment_id)
        .where(Message.id.in_(message_ids))
    )
    return [_Facts(**row._mapping) for row in rows]
