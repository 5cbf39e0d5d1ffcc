"""A copy of everything in one file, and the way back, which starts on hold."""

import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from nurture.domain.errors import ConfigurationError, ConflictError, InputError
from nurture.services.runtime import Runtime
from nurture.services.switches import hold_restored
from nurture.store.upgrade import newest_revision, revision_of

_SQLITE_MAGIC = b"SQLite format 3\x00"


def backup(runtime: Runtime, target: Path) -> Path:
    """Write a consistent copy of the database while it goes on working; an existing file is not replaced.

    SQLite is copied through its online backup; PostgreSQL through `pg_dump` in its custom format.

    Raises:
        ConflictError: the file exists.
        ConfigurationError: `pg_dump` is not installed or failed.
    """
    if target.exists():
        raise ConflictError(f"{target} exists. Name a new file, or remove it first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    url = runtime.engine.url
    with _finished_or_not_at_all(target) as unfinished:
        if url.get_backend_name() == "sqlite":
            _copy_sqlite(Path(str(url.database)), unfinished)
        else:
            _run("pg_dump", "--format=custom", f"--file={unfinished}", _libpq(url))
    return target


def restore(runtime: Runtime, source: Path, now: datetime) -> None:
    """Replace the database by a backup. Sending starts on hold until it is released.

    What was sent since the backup was made is not in it: released without a look, it would go out twice.

    Raises:
        InputError: the file is not a backup of this kind of database.
        ConfigurationError: `pg_restore` is not installed or failed.
    """
    url = runtime.engine.url
    runtime.engine.dispose()
    if url.get_backend_name() == "sqlite":
        _restore_sqlite(source, Path(str(url.database)))
    else:
        _run("pg_restore", "--clean", "--if-exists", "--no-owner", f"--dbname={_libpq(url)}", str(source))
    hold_restored(runtime, now)


def check_revision(runtime: Runtime) -> None:
    """Raise `ConflictError` where a restored database is older or newer than this Nurture."""
    found, wanted = revision_of(runtime.engine), newest_revision()
    if found != wanted:
        raise ConflictError(
            f"The database is at revision {found}, this Nurture needs {wanted}. Run `nurture db upgrade`."
        )


def _copy_sqlite(database: Path, target: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _restore_sqlite(source: Path, database: Path) -> None:
    try:
        with source.open("rb") as file:
            magic = file.read(len(_SQLITE_MAGIC))
    except OSError as fault:
        raise InputError(f"{source} cannot be read: {fault.strerror}.") from fault
    if magic != _SQLITE_MAGIC:
        raise InputError(f"{source} is not a backup of a SQLite database.")
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy:
        verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        raise InputError(f"{source} is damaged: {verdict}.")
    if database.exists():
        kept = database.with_name(f"{database.name}.before-restore-{uuid.uuid4().hex[:8]}")
        _copy_sqlite(database, kept)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    with _finished_or_not_at_all(database) as unfinished:
        shutil.copyfile(source, unfinished)


@contextmanager
def _finished_or_not_at_all(target: Path) -> Iterator[Path]:
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield unfinished
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _libpq(url: URL) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: str, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise ConfigurationError(f"{program} is not installed; it comes with PostgreSQL's client programs.")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - no shell.
    if done.returncode != 0:
        raise ConfigurationError(f"{program} failed: {done.stderr.strip()[:500]}")
