"""The database's own clock inside statements: what leases and intents are measured by."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, func, literal_column, type_coerce
from sqlalchemy.orm import Session

from nurture.store.base import UTCDateTime


def on_postgresql(session: Session) -> bool:
    """Whether rows are locked one by one; on SQLite a writer has the whole database to itself."""
    return session.get_bind().dialect.name == "postgresql"


def database_clock(session: Session, plus: timedelta = timedelta()) -> ColumnElement[datetime]:
    """The database's time when the row is looked at, moved by `plus`, as an expression."""
    return clock_of(on_postgresql(session), plus)


def clock_of(postgresql: bool, plus: timedelta = timedelta()) -> ColumnElement[datetime]:
    """The same for a statement that is built once and used in many sessions."""
    if postgresql:
        return type_coerce(func.clock_timestamp() + bindparam(None, plus), UTCDateTime())
    # SQLite compares instants as text, so the spelling must be that of its columns: six decimals.
    shift = f"{plus.total_seconds():+.3f} seconds"
    return type_coerce(func.strftime(literal_column("'%Y-%m-%d %H:%M:%f000'"), "now", shift), UTCDateTime())


def as_utc(moment: datetime) -> datetime:
    """An instant as the database gave it, with its zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
