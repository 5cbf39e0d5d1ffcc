"""A backup holds everything; a restore happens wholly or not at all, and starts on hold."""

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from nurture.clock import FixedClock
from nurture.domain.errors import ConfigurationError, ConflictError, InputError
from nurture.services.backup import backup, restore
from nurture.services.runtime import Runtime
from nurture.services.switches import stops
from nurture.store.base import make_engine
from nurture.store.schema import Lead
from nurture.store.upgrade import is_current, upgrade
from tests.conftest import BACKENDS
from tests.support import postgres
from tests.support.runtimes import runtime_on, settings_for

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'nurture.db'}"
        return
    with postgres.fresh_database(postgres.shared(), f"empty_{uuid.uuid4().hex}") as url:
        yield url


@pytest.fixture
def runtime(engine: Engine, clock: FixedClock, tmp_path: Path) -> Runtime:
    """An installation made by its migrations, with one lead."""
    upgrade(engine)
    runtime = runtime_on(engine, clock, settings_for(tmp_path))
    add(runtime, "before@example.com")
    return runtime


def add(runtime: Runtime, address: str) -> None:
    now = runtime.clock.now()
    with runtime.write() as session:
        session.add(Lead(address=address, created_at=now, updated_at=now))


def addresses(runtime: Runtime) -> list[str | None]:
    with runtime.read() as session:
        return list(session.scalars(select(Lead.address).order_by(Lead.id)))


def held(runtime: Runtime) -> list[str]:
    with runtime.read() as session:
        return [switch.name for switch in stops(session)]


def test_what_was_backed_up_comes_back_on_hold(runtime: Runtime, tmp_path: Path) -> None:
    file = backup(runtime, tmp_path / "copies" / "first")
    add(runtime, "after@example.com")
    kept = restore(runtime, file, runtime.clock.now())
    assert addresses(runtime) == ["before@example.com"]
    assert held(runtime) == ["restore_hold"]
    assert is_current(runtime.engine)
    add(runtime, "later@example.com")
    assert (kept is not None) is (runtime.engine.dialect.name == "sqlite")


def test_a_backup_is_for_its_owner_alone_and_replaces_nothing(runtime: Runtime, tmp_path: Path) -> None:
    file = backup(runtime, tmp_path / "copy")
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    with pytest.raises(ConflictError, match="exists"):
        backup(runtime, file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".copy")] == []


def test_a_place_that_cannot_be_written_is_named(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        backup(runtime, tmp_path / "file" / "copy")


@SQLITE
def test_a_backup_is_whole_while_others_write(runtime: Runtime, tmp_path: Path) -> None:
    add(runtime, "in-the-log@example.com")
    copy = backup(runtime, tmp_path / "copy")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM lead").fetchone() == (2,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@SQLITE
def test_the_database_that_was_there_is_kept_beside(runtime: Runtime, tmp_path: Path) -> None:
    file = backup(runtime, tmp_path / "copy")
    add(runtime, "after@example.com")
    kept = restore(runtime, file, runtime.clock.now())
    assert kept is not None
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT count(*) FROM lead").fetchone() == (2,)


@SQLITE
def test_a_restore_into_an_empty_place_needs_nothing_there(
    runtime: Runtime, tmp_path: Path, clock: FixedClock
) -> None:
    file = backup(runtime, tmp_path / "copy")
    database = Path(str(runtime.engine.url.database))
    runtime.engine.dispose()
    database.unlink()
    assert restore(runtime, file, clock.now()) is None
    assert addresses(runtime) == ["before@example.com"]


@SQLITE
def test_a_damaged_database_can_be_restored_over(runtime: Runtime, tmp_path: Path) -> None:
    file = backup(runtime, tmp_path / "copy")
    runtime.engine.dispose()
    Path(str(runtime.engine.url.database)).write_bytes(b"this is no database any more" * 100)
    restore(runtime, file, runtime.clock.now())
    assert addresses(runtime) == ["before@example.com"]


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


def scribbled(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + b"\xff" * 8192 + content[middle + 8192 :]


@pytest.mark.parametrize("damage", [cut_short, scribbled])
def test_a_damaged_file_changes_nothing(
    runtime: Runtime, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    with runtime.write() as session:
        session.add_all(
            Lead(address=f"{number}@example.com", source="x" * 200, created_at=NOW, updated_at=NOW)
            for number in range(500)
        )
    file = backup(runtime, tmp_path / "copy")
    file.write_bytes(damage(file.read_bytes()))
    add(runtime, "after@example.com")
    with pytest.raises((InputError, ConfigurationError)):
        restore(runtime, file, runtime.clock.now())
    assert addresses(runtime)[-1] == "after@example.com"
    assert held(runtime) == []


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\x00", b"PGDMP"])
def test_what_is_no_backup_changes_nothing(runtime: Runtime, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "copy"
    file.write_bytes(content)
    with pytest.raises((InputError, ConfigurationError)):
        restore(runtime, file, runtime.clock.now())
    assert addresses(runtime) == ["before@example.com"]


def test_a_file_that_is_not_there_is_named(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone cannot be read"):
        restore(runtime, tmp_path / "gone", runtime.clock.now())


@SQLITE
def test_another_programs_database_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("CREATE TABLE lead (id INTEGER)")
        other.commit()
    with pytest.raises(InputError, match="not a backup of Nurture"):
        restore(runtime, tmp_path / "other", runtime.clock.now())


def test_a_newer_nurtures_backup_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    with runtime.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    file = backup(runtime, tmp_path / "copy")
    with runtime.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(ConflictError, match="at revision 9999"):
        restore(runtime, file, runtime.clock.now())
    assert held(runtime) == []


def test_a_database_that_somebody_works_with_is_not_replaced(
    runtime: Runtime, tmp_path: Path, database_url: str
) -> None:
    file = backup(runtime, tmp_path / "copy")
    worker = make_engine(database_url)
    with worker.connect() as connection:
        connection.execute(text("SELECT 1 FROM lead"))
        connection.rollback()
        with pytest.raises(ConflictError, match="Stop `nurture serve`"):
            restore(runtime, file, runtime.clock.now())
    worker.dispose()
    restore(runtime, file, runtime.clock.now())


@POSTGRESQL
def test_a_program_that_is_missing_is_named(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="pg_dump is not installed"):
        backup(runtime, tmp_path / "copy")
