"""The migrations make what the code describes, on an empty database and on one that is there already."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from nurture.store.base import make_engine, reading
from nurture.store.schema import Setting
from nurture.store.upgrade import (
    differences,
    is_current,
    known_revisions,
    newest_revision,
    revision_of,
    upgrade,
)
from tests.conftest import BACKENDS
from tests.support import postgres

# SQLite cannot tell what an index over an expression is made of; PostgreSQL can, and is compared too.
pytestmark = pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based")


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with postgres.fresh_database(postgres.shared(), f"empty_{uuid.uuid4().hex}") as url:
        yield url


def test_an_empty_database_is_not_current(engine: Engine) -> None:
    assert revision_of(engine) is None
    assert not is_current(engine)


def test_the_migrations_make_exactly_what_the_code_describes(engine: Engine) -> None:
    upgrade(engine)
    assert is_current(engine)
    with engine.connect() as connection:
        assert differences(connection) == []
    with reading(engine) as session:
        assert session.scalars(select(Setting.name)).all() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_migrations_make_every_index_of_sqlite(engine: Engine, sqlite_url: str) -> None:
    upgrade(engine)
    described = make_engine(sqlite_url)
    assert indexes(engine) == indexes(described)
    described.dispose()


def indexes(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(
            connection.scalars(
                text("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
            )
        )


def test_a_missing_column_shows_as_a_difference(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE company DROP COLUMN zone"))
    with engine.connect() as connection:
        assert "zone" in repr(differences(connection))


def test_upgrading_again_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    upgrade(engine)
    assert revision_of(engine) == newest_revision()


def test_the_newest_revision_is_a_known_one() -> None:
    assert newest_revision() in known_revisions()
