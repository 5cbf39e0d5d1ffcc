"""What tests of the web share: an installation with four people, one per role, and its application."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.domain.roles import Role
from nurture.services.accounts import NewUser, create_user
from nurture.services.accounts.passwords import hash_password
from nurture.services.runtime import Runtime
from nurture.store import users
from nurture.store.base import make_engine
from nurture.web.factory import create_app
from tests.support.lively import PRESENT, lively_copy
from tests.support.runtimes import runtime_on, settings_for
from tests.support.visitor import Visitor

PASSWORD = "violet kettle orbit"
ADMIN = "admin@example.com"


@pytest.fixture
def wall() -> FixedClock:
    """The clock of people at their screens."""
    return FixedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def runtime(sqlite_url: str, clock: FixedClock, tmp_path: Path) -> Runtime:
    """An empty installation on SQLite; nothing here depends on the database."""
    return runtime_on(make_engine(sqlite_url), clock, settings_for(tmp_path))


@pytest.fixture
def both(engine: Engine, clock: FixedClock, tmp_path: Path) -> Runtime:
    """An empty installation on each of the databases in turn."""
    return runtime_on(engine, clock, settings_for(tmp_path))


@pytest.fixture
def postgresql_runtime(postgresql_url: str, clock: FixedClock, tmp_path: Path) -> Iterator[Runtime]:
    """An empty installation on PostgreSQL."""
    engine = make_engine(postgresql_url)
    yield runtime_on(engine, clock, settings_for(tmp_path))
    engine.dispose()


@pytest.fixture
def lively(tmp_path: Path) -> Runtime:
    """An installation with leads, campaigns, mails and what came of them."""
    engine = make_engine(lively_copy(tmp_path / "lively.db"))
    return runtime_on(engine, FixedClock(PRESENT), settings_for(tmp_path))


@pytest.fixture
def app(runtime: Runtime, wall: FixedClock) -> Flask:
    """The application of `runtime`, with one person per role."""
    employ(runtime, wall.now())
    return create_app(runtime, wall)


@cache
def _hash() -> str:
    return hash_password(PASSWORD)


def employ(runtime: Runtime, now: datetime) -> None:
    """One person per role, all with the same password; it is hashed once, because that is slow on purpose."""
    for role in Role:
        user_id = create_user(runtime, NewUser(f"{role}@example.com", role), now)
        with runtime.write() as session:
            users.change_user(session, user_id, password_hash=_hash())


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(app)


@pytest.fixture
def signed_in(app: Flask) -> Callable[[str], Visitor]:
    """Somebody signed in with a role."""

    def sign_in(role: str = "admin") -> Visitor:
        visitor = Visitor(app)
        assert visitor.log_in(f"{role}@example.com", PASSWORD).status_code == 303
        return visitor

    return sign_in
