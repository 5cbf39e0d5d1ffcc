"""The mails that the built-in outbox keeps: written by the mailer, read in the app."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.clock import Clock
from nurture.domain.letter import Letter
from nurture.store.base import writing
from nurture.store.dbclock import on_postgresql
from nurture.store.schema import OutboxMail


def keeper(engine: Engine, clock: Clock) -> Callable[[Letter, bytes], None]:
    """What an `OutboxMailer` keeps mails by: each is durable once the call returns, a repeated one kept once.

    Threads that call at the same time share a transaction.
    """
    desk = _Desk()

    def keep(letter: Letter, raw: bytes) -> None:
        mail = _Kept(_row(letter, raw, clock.now()))
        desk.put(mail)
        with desk.committing:
            if not mail.done:
                # Where the thread that took this mail along has failed, it is on no desk any more.
                _commit(engine, [*desk.take(besides=mail), mail])

    return keep


@dataclass(slots=True)
class _Kept:
    row: dict[str, Any]
    done: bool = False


@dataclass(slots=True)
class _Desk:
    """Where mails wait for the thread that commits next."""

    committing: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[_Kept] = field(default_factory=list)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def put(self, mail: _Kept) -> None:
        with self._mutex:
            self._waiting.append(mail)

    def take(self, besides: _Kept) -> list[_Kept]:
        with self._mutex:
            taken, self._waiting = self._waiting, []
        return [mail for mail in taken if mail is not besides]


def _commit(engine: Engine, mails: Sequence[_Kept]) -> None:
    with writing(engine) as session:
        upsert = postgresql.insert if on_postgresql(session) else sqlite.insert
        statement = upsert(OutboxMail).on_conflict_do_nothing(index_elements=[OutboxMail.mid])
        session.connection().execute(statement, [mail.row for mail in mails])
    for mail in mails:
        mail.done = True


def _row(letter: Letter, raw: bytes, now: datetime) -> dict[str, Any]:
    return {
        "mid": letter.mid,
        "at": now,
        "sender": letter.sender.address,
        "recipient": letter.recipient.address,
        "subject": letter.subject,
        "raw": raw,
    }


def outbox_page(session: Session, limit: int = 50, before_id: int | None = None) -> Sequence[OutboxMail]:
    """The newest kept mails, or those that came before one."""
    statement = select(OutboxMail).order_by(OutboxMail.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(OutboxMail.id < before_id)
    return session.scalars(statement).all()


def outbox_mail(session: Session, mail_id: int) -> OutboxMail | None:
    """One kept mail."""
    return session.get(OutboxMail, mail_id)
