"""Heartbeats of the fixed jobs, and the lease of whoever runs them; both by the database's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.store.base import database_now
from nurture.store.schema import Heartbeat, Lease

LATE_AFTER_PERIODS = 3
"""A job whose last beat is older than this many of its periods counts as dead."""


@dataclass(frozen=True, slots=True)
class Beat:
    """How a fixed job is doing."""

    job: str
    at: datetime
    every: timedelta
    took_ms: int
    error: str | None
    late: bool


def beat(session: Session, job: str, every: timedelta, took_ms: int, error: str | None) -> None:
    """Note that `job` has just run."""
    values = {
        "job": job,
        "at": database_now(session),
        "every_seconds": max(1, round(every.total_seconds())),
        "took_ms": took_ms,
        "error": error,
    }
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = upsert(Heartbeat).values(values)
    session.execute(statement.on_conflict_do_update(index_elements=[Heartbeat.job], set_=values))


def beats(session: Session) -> tuple[Beat, ...]:
    """All heartbeats, by name."""
    now = database_now(session)
    rows = session.scalars(select(Heartbeat).order_by(Heartbeat.job))
    return tuple(_read(row, now) for row in rows)


def _read(row: Heartbeat, now: datetime) -> Beat:
    every = timedelta(seconds=row.every_seconds)
    late = now - row.at > max(LATE_AFTER_PERIODS * every, timedelta(seconds=15))
    return Beat(row.job, row.at, every, row.took_ms, row.error, late)


def take_lease(session: Session, name: str, holder: str, lasts: timedelta) -> int | None:
    """Take or renew the lease; returns its epoch, or nothing where somebody else holds it.

    The epoch grows whenever the holder changes. Leadership is for economy only: two leaders do no harm.
    """
    now = database_now(session)
    lease = session.scalar(select(Lease).where(Lease.name == name).with_for_update())
    if lease is None:
        upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        fresh = upsert(Lease).values(name=name, holder=holder, epoch=1, until=now + lasts)
        session.execute(fresh.on_conflict_do_nothing())
        lease = session.scalars(select(Lease).where(Lease.name == name)).one()
    if lease.holder != holder and lease.until > now:
        return None
    lease.epoch += lease.holder != holder
    lease.holder, lease.until = holder, now + lasts
    return lease.epoch


def give_lease_back(session: Session, name: str, holder: str) -> None:
    """Let the next one take over at once."""
    now = database_now(session)
    session.execute(update(Lease).where(Lease.name == name, Lease.holder == holder).values(until=now))
