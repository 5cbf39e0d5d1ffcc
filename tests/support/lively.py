"""One lively installation per test run: seeded once by whoever asks first, copied for everybody."""

import fcntl
import shutil
from datetime import UTC, datetime
from pathlib import Path

from nurture.clock import FixedClock
from nurture.store.base import create_all, make_engine
from tests.support import run
from tests.support.runtimes import runtime_on, settings_for
from tests.support.seed import furnish

PRESENT = datetime(2026, 11, 19, 14, 20, tzinfo=UTC)
"""A Thursday afternoon: where the clock of the lively installation stands."""


def lively_copy(target: Path) -> str:
    """The URL of a SQLite database of the test's own, full of leads, mails and what came of them."""
    source = _seeded()
    shutil.copyfile(source, target)
    return f"sqlite:///{target}"


def _seeded() -> Path:
    directory = run.directory() / "lively"
    path = directory / "nurture.db"
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "ready").exists():
            _seed(directory, path)
            (directory / "ready").touch()
    return path


def _seed(directory: Path, path: Path) -> None:
    engine = make_engine(f"sqlite:///{path}")
    create_all(engine)
    clock = FixedClock(PRESENT)
    furnish(runtime_on(engine, clock, settings_for(directory)), clock, leads=16, days=8)
    engine.dispose()
