"""A copy of everything in one file, and the way back, which starts on hold."""

import dataclasses
import os
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL

from nurture.domain.errors import ConfigurationError, ConflictError, InputError
from nurture.services.runtime import Runtime
from nurture.services.switches import hold_restored
from nurture.store.base import make_engine
from nurture.store.upgrade import known_revisions, upgrade

_SQLITE_MAGIC = b"SQLite format 3\x00"
_PG_DUMP_MAGIC = b"PGDMP"
_PATIENCE_SECONDS = 2.0
_EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"


def backup(runtime: Runtime, target: Path) -> Path:
    """Write a consistent copy of the database while it goes on working; an existing file is not replaced.

    SQLite is copied through its online backup; PostgreSQL through `pg_dump` in its custom format. The file
    is for its owner's eyes alone.

    Raises:
        ConflictError: the file exists.
        InputError: it cannot be written.
        ConfigurationError: `pg_dump` is not installed or failed.
    """
    if target.exists():
        raise ConflictError(f"{target} exists. Name a new file, or remove it first.")
    url = runtime.engine.url
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _finished_or_not_at_all(target) as unfinished:
            if url.get_backend_name() == "sqlite":
                _copy_sqlite(Path(str(url.database)), unfinished)
            else:
                _run(url, "pg_dump", "--format=custom", f"--file={unfinished}", _libpq(url))
    except (OSError, sqlite3.Error) as fault:
        raise InputError(f"{target} cannot be written: {fault}") from fault
    return target


def restore(runtime: Runtime, source: Path, now: datetime) -> Path | None:
    """Replace the database by a backup, upgraded where it is older. Sending is on hold until released.

    What was sent since the backup was made is not in it: released without a look, it would go out twice.
    Either all of it happens or nothing. Returns where the SQLite file that was there before is kept.

    Raises:
        InputError: the file is not a backup of this kind of database, or is damaged.
        ConflictError: somebody is working with the database, or a newer Nurture made the backup.
        ConfigurationError: PostgreSQL's programs are not installed or failed.
    """
    runtime.engine.dispose()
    if runtime.engine.url.get_backend_name() == "sqlite":
        return _restore_sqlite(runtime, source, now)
    _restore_postgresql(runtime, source, now)
    return None


# --- SQLite --------------------------------------------------------------------------------------


def _copy_sqlite(database: Path, target: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        # Without a write-ahead log the copy is one file, which can be read where nothing can be written.
        copy.execute("PRAGMA journal_mode=DELETE").fetchone()


def _restore_sqlite(runtime: Runtime, source: Path, now: datetime) -> Path | None:
    _check_magic(source, _SQLITE_MAGIC, "SQLite")
    _check_revision(source, _sqlite_revision(source))
    database = Path(str(runtime.engine.url.database))
    database.parent.mkdir(parents=True, exist_ok=True)
    _be_alone_with(database)
    with _finished_or_not_at_all(database) as unfinished:
        _copy_sqlite(source, unfinished)
        _make_ready(runtime, unfinished, now)
        kept = _keep(database)
    return kept


def _sqlite_revision(source: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            verdict = str(copy.execute("PRAGMA integrity_check").fetchone()[0])
            if verdict != "ok":
                raise InputError(f"{source} is damaged: {verdict}.")
            row = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as fault:
        raise InputError(f"{source} is not a backup of Nurture: {fault}.") from fault
    except sqlite3.DatabaseError as fault:
        raise InputError(f"{source} is damaged: {fault}.") from fault
    return None if row is None else str(row[0])


def _be_alone_with(database: Path) -> None:
    """Fold the log into the file, which SQLite does only for whoever has the database to itself."""
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=_PATIENCE_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as fault:
        raise ConflictError(f"{database} is in use ({fault}). Stop `nurture serve` first.") from fault
    except sqlite3.DatabaseError:
        # It is damaged, which is what people restore for.
        return


def _make_ready(runtime: Runtime, copy: Path, now: datetime) -> None:
    engine = make_engine(f"sqlite:///{copy}")
    try:
        upgrade(engine)
        hold_restored(dataclasses.replace(runtime, engine=engine), now)
    finally:
        engine.dispose()


def _keep(database: Path) -> Path | None:
    """A second name for the file that is about to be replaced."""
    if not database.exists():
        return None
    kept = database.with_name(f"{database.name}.before-restore-{uuid.uuid4().hex[:8]}")
    try:
        os.link(database, kept)
    except OSError:
        shutil.copyfile(database, kept)
    # Only a damaged database still has its log here, and the new one must not take it for its own.
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    return kept


# --- PostgreSQL ----------------------------------------------------------------------------------


def _restore_postgresql(runtime: Runtime, source: Path, now: datetime) -> None:
    _check_magic(source, _PG_DUMP_MAGIC, "PostgreSQL")
    url = runtime.engine.url
    _check_revision(source, _dumped_revision(url, source))
    _check_nobody_else(runtime)
    with _beside(source) as script:
        # The script is written whole before anything is touched, and run in one transaction.
        _run(url, "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(source))
        _run(
            url, "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
            f"--command={_EMPTY}", f"--file={script}", f"--dbname={_libpq(url)}",
        )  # fmt: skip
    upgrade(runtime.engine)
    hold_restored(runtime, now)


def _dumped_revision(url: URL, source: Path) -> str | None:
    told = _run(url, "pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(source))
    lines = told.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("COPY ")), None)
    return None if start is None else lines[start + 1].strip()


def _check_nobody_else(runtime: Runtime) -> None:
    others = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with runtime.read() as session:
        count = session.scalar(others)
    runtime.engine.dispose()
    if count:
        raise ConflictError(
            f"The database has {count} other connections. Stop `nurture serve` and everything else first."
        )


@contextmanager
def _beside(source: Path) -> Iterator[Path]:
    script = source.with_name(f".{source.name}.{uuid.uuid4().hex[:8]}.sql")
    script.touch(mode=0o600)
    try:
        yield script
    finally:
        script.unlink(missing_ok=True)


def _libpq(url: URL) -> str:
    return url.set(drivername="postgresql", password=None).render_as_string()


def _run(url: URL, program: str, *arguments: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise ConfigurationError(f"{program} is not installed; it comes with PostgreSQL's client programs.")
    # A password on the command line could be read by everybody on the machine.
    environ = os.environ if url.password is None else {**os.environ, "PGPASSWORD": str(url.password)}
    done = subprocess.run([path, *arguments], env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - no shell.
    if done.returncode != 0:
        raise ConfigurationError(f"{program} failed: {done.stderr.strip()[:500]}")
    return done.stdout


# --- both ----------------------------------------------------------------------------------------


def _check_magic(source: Path, magic: bytes, kind: str) -> None:
    try:
        with source.open("rb") as file:
            found = file.read(len(magic))
    except OSError as fault:
        raise InputError(f"{source} cannot be read: {fault.strerror}.") from fault
    if found != magic:
        raise InputError(f"{source} is not a backup of a {kind} database.")


def _check_revision(source: Path, revision: str | None) -> None:
    if revision is None:
        raise InputError(f"{source} is not a backup of Nurture: it does not say at which revision it is.")
    if revision not in known_revisions():
        raise ConflictError(
            f"{source} is at revision {revision}, which this Nurture does not know: a newer one made it. "
            "Install that version and restore with it."
        )


@contextmanager
def _finished_or_not_at_all(target: Path) -> Iterator[Path]:
    """A file beside `target` that takes its place once it is complete."""
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    unfinished.touch(mode=0o600)
    try:
        yield unfinished
        unfinished.replace(target)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)
