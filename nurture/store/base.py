"""What every table and every session is made of: column types, engines, the fair writer lock."""

import itertools
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

T = TypeVar("T")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

BigInt = BigInteger().with_variant(Integer, "sqlite")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; naive values are refused before they reach the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive value; SQLite drops the offset, so it is given UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; pass aware UTC")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every instant its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class.
        datetime: UTCDateTime(),
        dict[str, Any]: Json,
        list[Any]: Json,
        str: Text(),
    }


Id = Annotated[int, mapped_column(BigInt, primary_key=True)]
LeadId = Annotated[int, mapped_column(BigInt, ForeignKey("lead.id"))]
Big = Annotated[int, mapped_column(BigInt)]
Word = Annotated[str, mapped_column(String(128))]
Hash = Annotated[str, mapped_column(String(64))]


def make_engine(url: str, *, pool_size: int = 8) -> Engine:
    """An engine with the settings that the promises rest on.

    SQLite: WAL, durable commits (`synchronous=FULL`), foreign keys, and transactions that begin only
    through `read` and `write`. PostgreSQL: short time-outs, so that a cut-off worker frees its row locks.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url, pool_size)
    options = "-c synchronous_commit=on -c idle_in_transaction_session_timeout=15s -c lock_timeout=5s"
    keepalives = {
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 8000,
    }
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 3, "options": f"{options} -c statement_timeout=60s", **keepalives},
    )


def _sqlite(url: str, pool_size: int) -> Engine:
    # The driver's own transactions are off: BEGIN is ours, IMMEDIATE for writers and deferred for readers.
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=2 * pool_size,
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": 30},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "wal_autocheckpoint=20000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        mode = "IMMEDIATE" if connection.get_execution_options().get("nurture_write") else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


class WriterLock:
    """A lock that is handed on in the order of asking, so that small writers are not starved."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._queue: deque[threading.Event] = deque()
        self._held = False

    def acquire(self) -> None:
        """Wait for our turn."""
        with self._mutex:
            if not self._held:
                self._held = True
                return
            turn = threading.Event()
            self._queue.append(turn)
        turn.wait()

    def release(self) -> None:
        """Hand the lock to whoever has waited longest."""
        with self._mutex:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._held = False


_locks: dict[str, WriterLock] = {}
_locks_mutex = threading.Lock()


def _lock_of(engine: Engine) -> WriterLock:
    with _locks_mutex:
        return _locks.setdefault(str(engine.url), WriterLock())


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one state of the database and writes nothing."""
    with Session(engine, autoflush=False, expire_on_commit=False) as session:
        yield session
        session.rollback()


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session in one transaction: committed at the end, rolled back on any error.

    On SQLite the writers of a process take turns and begin IMMEDIATE. Keep it short: at most about 1,000
    rows or 20 ms, and never a network call inside.
    """
    sqlite = engine.dialect.name == "sqlite"
    lock = _lock_of(engine) if sqlite else None
    if lock is not None:
        lock.acquire()
    try:
        bind = engine.execution_options(nurture_write=True) if sqlite else engine
        with Session(bind, expire_on_commit=False) as session:
            yield session
            session.commit()
    finally:
        if lock is not None:
            lock.release()


def create_all(engine: Engine) -> None:
    """Create every table of the schema (tests; a running installation uses `nurture db upgrade`)."""
    from nurture.store import schema  # noqa: F401 - importing registers the tables.

    bind = engine.execution_options(nurture_write=True) if engine.dialect.name == "sqlite" else engine
    Base.metadata.create_all(bind)


def database_now(session: Session) -> datetime:
    """The database's own clock: for leases, leaders and heartbeats, never for business time."""
    if session.get_bind().dialect.name == "sqlite":
        stamp = session.scalar(text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"))
        return datetime.fromisoformat(str(stamp)).replace(tzinfo=UTC)
    return session.scalars(text("SELECT clock_timestamp()").columns(now=UTCDateTime())).one()  # type: ignore[no-any-return]


def chunks(rows: Iterable[T], size: int = 1000) -> Iterator[list[T]]:
    """Cut any iterable into lists of at most `size`, so that no transaction grows without bound."""
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


PAUSE = timedelta(milliseconds=2)
"""How long a writer of many chunks rests between two transactions on SQLite."""
