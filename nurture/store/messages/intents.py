"""The intent: the one binding check, durable before the mailer is called.

From here on the mailer may have the message, so nothing leads back but its certain refusal. On
PostgreSQL a condition in the statement alone would overlook what was committed while it ran; therefore
the rows it depends on are locked first. Whoever unsubscribes, pauses, ends a passage or pulls the stop
switch writes one of those rows, and so comes either before the intent, which then fails, or after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Insert,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from nurture.domain.sending import MessageState
from nurture.store.base import Base, UTCDateTime
from nurture.store.dbclock import clock_of, on_postgresql
from nurture.store.schema import (
    Campaign,
    Enrollment,
    Lead,
    Message,
    MessageContent,
    MessageLink,
    Setting,
    Suppression,
)

CAMPAIGN = "campaign"
SWITCHES = ("stop", "restore_hold")
"""Settings whose presence stops every mail."""

SWITCH_LOCK = 0x6E757274
"""The advisory lock that stands for a switch that is not there yet."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A message that is ready to be handed over, and what it was rendered from.

    `despite_conversation` is its campaign's `on_reply: continue`. `links` are the targets that depend on
    the lead, by number.
    """

    message_id: int
    token: str
    kind: str
    has_lead: bool
    merge: Mapping[str, Any]
    subject: str
    links: tuple[tuple[int, str], ...] = ()
    despite_conversation: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """Which messages may be handed over now, and which have rows that somebody else is just changing."""

    passed: frozenset[int]
    busy: frozenset[int]


def take_intents(session: Session, intents: Sequence[Intent], provider: str, now: datetime) -> Taken:
    """Move claimed messages to `sending` where everything still speaks for them.

    The messages that passed may be handed over once this transaction is committed, and not before.
    """
    busy = _lock_rows(session, intents) if intents and on_postgresql(session) else frozenset()
    open_ones = [intent for intent in intents if intent.message_id not in busy]
    if not open_ones:
        return Taken(frozenset(), busy)
    passed: set[int] = set()
    statement = _intent_statement(on_postgresql(session))
    by_token: dict[str, list[Intent]] = {}
    for intent in open_ones:
        by_token.setdefault(intent.token, []).append(intent)
    for token, group in by_token.items():
        parameters = {
            "ids": [intent.message_id for intent in group],
            "talkative": [intent.message_id for intent in group if intent.despite_conversation],
            "held_by": token,
            "by_mailer": provider,
            "now": now,
        }
        passed.update(session.connection().execute(statement, parameters).scalars())
    _keep_contents(session, [intent for intent in open_ones if intent.message_id in passed], now)
    return Taken(frozenset(passed), busy)


@cache
def _intent_statement(postgresql: bool) -> ReturningUpdate[int]:
    """The statement that everything hangs on, built once."""
    now: BindParameter[datetime] = bindparam("now", type_=UTCDateTime())
    return (
        update(Message)
        .where(
            Message.id.in_(bindparam("ids", expanding=True)),
            Message.claim_token == bindparam("held_by"),
            Message.state == MessageState.CLAIMED.value,
            Message.lease_until > clock_of(postgresql),
            _allowed(now, Message.id.in_(bindparam("talkative", expanding=True))),
        )
        .values(
            state=MessageState.SENDING.value,
            sending_at=clock_of(postgresql),
            attempts=Message.attempts + 1,
            provider=bindparam("by_mailer"),
            address=func.coalesce(_address_now(), Message.address),
            lease_until=None,
        )
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )


def _lock_rows(session: Session, intents: Sequence[Intent]) -> frozenset[int]:
    """Lock what the check depends on until the commit; returns the messages whose rows are taken.

    Nothing is waited for, so an intent can never be part of a deadlock.
    """
    session.execute(select(func.pg_advisory_xact_lock_shared(SWITCH_LOCK)))
    wanted = {intent.message_id for intent in intents}
    free = set(session.scalars(_locking(wanted, Message, read=False)))
    of_campaigns = {intent.message_id for intent in intents if intent.kind == CAMPAIGN} & free
    of_leads = {intent.message_id for intent in intents if intent.kind != CAMPAIGN and intent.has_lead} & free
    others = free - of_campaigns - of_leads
    if of_campaigns:
        statement = _locking(of_campaigns, Lead, Enrollment, Campaign)
        statement = statement.join(Enrollment, Enrollment.id == Message.enrollment_id)
        statement = statement.join(Campaign, Campaign.id == Message.campaign_id)
        of_campaigns = set(session.scalars(statement.join(Lead, Lead.id == Message.lead_id)))
    if of_leads:
        of_leads = set(session.scalars(_locking(of_leads, Lead).join(Lead, Lead.id == Message.lead_id)))
    return frozenset(wanted - others - of_campaigns - of_leads)


def _locking(message_ids: set[int], *tables: type[Base], read: bool = True) -> Select[int]:
    statement = select(Message.id).where(Message.id.in_(message_ids))
    return statement.with_for_update(read=read, of=tables, skip_locked=True)


def _allowed(now: BindParameter[datetime], may_talk_over: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(
        ~exists().where(Setting.name.in_(SWITCHES)),
        or_(Message.not_after.is_(None), Message.not_after > now),
        ~suppressed(now, "all"),
        or_(
            Message.kind != CAMPAIGN,
            and_(
                exists().where(Campaign.id == Message.campaign_id, Campaign.status == "active"),
                exists().where(Enrollment.id == Message.enrollment_id, Enrollment.status.in_(GOES_ON)),
                exists().where(
                    Lead.id == Message.lead_id,
                    Lead.mailable.is_(True),
                    Lead.erased_at.is_(None),
                    or_(Lead.paused_until.is_(None), Lead.paused_until <= now),
                    or_(Lead.conversation_since.is_(None), may_talk_over),
                ),
                ~suppressed(now, "marketing"),
                ~suppressed_topic(now),
            ),
        ),
    )


GOES_ON = ("active", "completed")
"""An enrollment whose last step was a send is completed while that message is still on its way."""


def suppressed(now: datetime | BindParameter[datetime], scope: str) -> ColumnElement[bool]:
    """Whether the message's address is suppressed for all mail, or for marketing."""
    return exists().where(
        Suppression.address == func.coalesce(_address_now(), Message.address),
        Suppression.scope == scope,
        or_(Suppression.expires_at.is_(None), Suppression.expires_at > now),
    )


def suppressed_topic(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Whether the message's address has refused its topic."""
    return exists().where(
        Suppression.address == func.coalesce(_address_now(), Message.address),
        Suppression.scope == "topic:" + Message.topic,
        or_(Suppression.expires_at.is_(None), Suppression.expires_at > now),
    )


def _address_now() -> ColumnElement[str | None]:
    return select(Lead.address).where(Lead.id == Message.lead_id).correlate(Message).scalar_subquery()


def _keep_contents(session: Session, intents: Sequence[Intent], now: datetime) -> None:
    """Keep what each message is rendered from; a message that was refused before is rendered anew."""
    contents = [
        {
            "message_id": intent.message_id,
            "merge": intent.merge,
            "subject": intent.subject,
            "rendered_at": now,
        }
        for intent in intents
    ]
    links = [
        {"message_id": intent.message_id, "number": number, "target": target}
        for intent in intents
        for number, target in intent.links
    ]
    if contents:
        session.connection().execute(_content_statement(on_postgresql(session)), contents)
    if links:
        session.connection().execute(_link_statement(on_postgresql(session)), links)


@cache
def _content_statement(on_postgresql: bool) -> Insert:
    statement = postgresql.insert(MessageContent) if on_postgresql else sqlite.insert(MessageContent)
    new = statement.excluded
    changes = {"merge": new.merge, "subject": new.subject, "rendered_at": new.rendered_at}
    return statement.on_conflict_do_update(index_elements=[MessageContent.message_id], set_=changes)


@cache
def _link_statement(on_postgresql: bool) -> Insert:
    statement = postgresql.insert(MessageLink) if on_postgresql else sqlite.insert(MessageLink)
    keys = [MessageLink.message_id, MessageLink.number]
    return statement.on_conflict_do_update(index_elements=keys, set_={"target": statement.excluded.target})
