"""One row per mailer, shared by all workers: its rate, its pauses and why it was stopped."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.store.base import database_now
from nurture.store.dbclock import database_clock, on_postgresql
from nurture.store.schema import Bucket

BURST_SECONDS = 1.0
"""How much of its rate a mailer may have saved up."""


@dataclass(frozen=True, slots=True)
class Gate:
    """How many messages a mailer may be given now; none, and why, where it is closed."""

    allowance: int
    closed_because: str = ""


def look(session: Session, mailer: str, rate: float | None, wanted: int) -> Gate:
    """How many of `wanted` messages the mailer may be given; a rate locks its row until the commit."""
    bucket = _locked(session, mailer, rate is not None)
    now = database_now(session)
    if bucket.stopped_because is not None:
        return Gate(0, bucket.stopped_because)
    if bucket.refused_until is not None and now < bucket.refused_until:
        return Gate(0, "the last answers left open what became of their messages")
    if rate is None:
        return Gate(wanted)
    return Gate(min(wanted, int(_tokens(bucket, rate, now))))


def spend(session: Session, mailer: str, rate: float | None, count: int) -> None:
    """Take `count` messages off the allowance that `look` has just told."""
    if rate is None:
        return
    bucket = _locked(session, mailer, lock=True)
    now = database_now(session)
    bucket.tokens, bucket.stamp = _tokens(bucket, rate, now) - count, now
    session.flush()


def note_doubts(session: Session, mailer: str, unclear: int, *, after_clear: bool) -> int:
    """Count unclear answers in a row over all workers, anew `after_clear` ones; returns how many by now."""
    now_unclear = unclear if after_clear else Bucket.doubts + unclear
    changed = (
        update(Bucket).where(Bucket.mailer == mailer).values(doubts=now_unclear).returning(Bucket.doubts)
    )
    return session.scalar(changed.execution_options(synchronize_session=False)) or 0


def pause(session: Session, mailer: str, length: timedelta) -> None:
    """Use the mailer no more for a while, by the database's clock."""
    until = database_clock(session, length)
    session.execute(
        update(Bucket)
        .where(Bucket.mailer == mailer)
        .values(doubts=0, refused_until=until)
        .execution_options(synchronize_session=False)
    )


def stop_mailer(session: Session, mailer: str, reason: str) -> None:
    """Use the mailer no more until somebody has mended its account."""
    session.execute(update(Bucket).where(Bucket.mailer == mailer).values(stopped_because=reason))


def _tokens(bucket: Bucket, rate: float, now: datetime) -> float:
    seconds = max(0.0, (now - bucket.stamp).total_seconds())
    return min(max(1.0, rate * BURST_SECONDS), bucket.tokens + seconds * rate)


def _locked(session: Session, mailer: str, lock: bool) -> Bucket:
    statement = select(Bucket).where(Bucket.mailer == mailer).execution_options(populate_existing=True)
    if lock:
        statement = statement.with_for_update()
    bucket = session.scalar(statement)
    if bucket is None:
        upsert = postgresql.insert if on_postgresql(session) else sqlite.insert
        row = {"mailer": mailer, "tokens": 1.0, "stamp": database_now(session), "doubts": 0}
        session.execute(upsert(Bucket).values(row).on_conflict_do_nothing())
        bucket = session.scalars(statement).one()
    return bucket
