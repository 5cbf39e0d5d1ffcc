"""What all tests share: a clock that stands still, and databases with a fresh schema."""

import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.store.base import create_all, make_engine
from tests.support import postgres, run

# A shared machine is slow at times: no deadline. The same examples on every run: a red build stays red.
COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", COMMON, derandomize=True, database=None, max_examples=100)
settings.register_profile("quick", COMMON, max_examples=20)
settings.register_profile("thorough", COMMON, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

BACKENDS = ["sqlite", "postgresql"]

_run_directory = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--no-postgresql` leaves out what needs a server, for a quick look."""
    parser.addoption("--no-postgresql", action="store_true", help="leave out tests that run on PostgreSQL")


def pytest_configure(config: pytest.Config) -> None:
    """The first process of a run makes its directory; workers find it in their environment."""
    if hasattr(config, "workerinput"):
        return
    for left_behind in run.abandoned():
        postgres.stop_shared(left_behind)
        run.end(left_behind)
    config.stash[_run_directory] = run.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The first process of a run ends what any of its workers has started."""
    directory = config.stash.get(_run_directory, None)
    if directory is not None:
        postgres.stop_shared(directory)
        run.end(directory)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects, rather than skips, what `--no-postgresql` leaves out."""
    if not config.getoption("--no-postgresql"):
        return
    left_out = [item for item in items if _needs_postgresql(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _needs_postgresql(item: pytest.Item) -> bool:
    parameters = (
        item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    )
    wanted = {parameters.get("database_url"), parameters.get("backend")}
    return "postgresql" in wanted or "postgresql_url" in getattr(item, "fixturenames", [])


@pytest.fixture(autouse=True)
def _plain_log() -> None:
    """The default draws each traceback with all its locals, which takes seconds where one is expected."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])


@pytest.fixture
def now() -> datetime:
    """A Monday morning in UTC."""
    return datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def clock(now: datetime) -> FixedClock:
    """A clock that stands at `now` until the test moves it."""
    return FixedClock(now)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database of the test's own with the whole schema; once on SQLite, once on PostgreSQL."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL behind `engine`. One backend alone: parametrize("database_url", ["sqlite"], indirect=True)."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """A SQLite file of the test's own with the whole schema."""
    path = tmp_path / "nurture.db"
    shutil.copyfile(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(_postgresql_template: str) -> Iterator[str]:
    """A PostgreSQL database of the test's own with the whole schema."""
    with postgres.fresh_database(postgres.shared(), f"test_{uuid.uuid4().hex}", _postgresql_template) as url:
        yield url


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "nurture.db"
    _create_schema(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _postgresql_template() -> str:
    return postgres.template(postgres.shared(), "nurture_schema", _create_schema)


def _create_schema(url: str) -> None:
    engine = make_engine(url)
    create_all(engine)
    # Closing the last connection folds SQLite's log into the file, which can then be copied.
    engine.dispose()
