"""The switches that stop every mail: the operator's, and the hold after a restored backup."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.services.runtime import Runtime
from nurture.store.dbclock import on_postgresql
from nurture.store.messages import SWITCH_LOCK, SWITCHES
from nurture.store.schema import Bucket, Setting

STOP, RESTORE_HOLD = SWITCHES


@dataclass(frozen=True, slots=True)
class Stop:
    """A switch that is on: which, since when, by whom and why."""

    name: str
    since: datetime
    by: str
    reason: str


def stop(runtime: Runtime, now: datetime, by: str, reason: str = "") -> None:
    """Let no mail out from now on: no intent is committed after this returns."""
    with runtime.write() as session:
        _switch_on(session, STOP, now, {"by": by, "reason": reason})


def go(runtime: Runtime, now: datetime, by: str) -> None:
    """Let mail out again, also through mailers that had refused the account.

    The hold after a restored backup is not lifted by this.
    """
    with runtime.write() as session:
        session.execute(delete(Setting).where(Setting.name == STOP))
        session.execute(update(Bucket).values(stopped_because=None, refused_until=None, doubts=0))


def hold_restored(runtime: Runtime, now: datetime) -> None:
    """Hold all mail because the database was restored: what it calls due may have been sent already."""
    with runtime.write() as session:
        _switch_on(session, RESTORE_HOLD, now, {"by": "restore", "reason": "A backup was restored."})


def release_restored(runtime: Runtime, now: datetime, by: str) -> None:
    """Let mail out again after a restore, once somebody has looked at what is due."""
    with runtime.write() as session:
        session.execute(delete(Setting).where(Setting.name == RESTORE_HOLD))


def stops(session: Session) -> tuple[Stop, ...]:
    """The switches that are on."""
    rows = session.execute(select(Setting).where(Setting.name.in_(SWITCHES)).order_by(Setting.name)).scalars()
    return tuple(
        Stop(row.name, row.updated_at, str(row.value.get("by", "")), str(row.value.get("reason", "")))
        for row in rows
    )


def stopped(session: Session) -> Stop | None:
    """The operator's switch, if it is on."""
    return next((switch for switch in stops(session) if switch.name == STOP), None)


def mailers_stopped(session: Session) -> dict[str, str]:
    """Mailers that refused the account, with what they said."""
    rows = session.execute(
        select(Bucket.mailer, Bucket.stopped_because).where(Bucket.stopped_because.is_not(None))
    )
    return {mailer: reason or "" for mailer, reason in rows}


def _switch_on(session: Session, name: str, now: datetime, value: dict[str, str]) -> None:
    upsert = postgresql.insert if on_postgresql(session) else sqlite.insert
    if on_postgresql(session):
        # Intents hold this lock shared, so the switch waits for those that are being committed.
        session.execute(select(func.pg_advisory_xact_lock(SWITCH_LOCK)))
    statement = upsert(Setting).values(name=name, value=value, updated_at=now)
    session.execute(statement.on_conflict_do_nothing(index_elements=[Setting.name]))
