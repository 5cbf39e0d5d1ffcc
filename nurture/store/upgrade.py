"""Bring a database to the schema of this Nurture, and say where it stands."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from nurture.store import schema  # noqa: F401 - importing registers the tables.
from nurture.store.base import Base

_FOLDER = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Run every migration that the database lacks, in one transaction; a current one stays as it is."""
    config = _config()
    with _writer(engine).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def newest_revision() -> str | None:
    """The revision that this Nurture's code is written for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def known_revisions() -> frozenset[str]:
    """Every revision that this Nurture can upgrade from, and its own."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def revision_of(engine: Engine) -> str | None:
    """The revision that the database is at; none for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current(engine: Engine) -> bool:
    """Whether the database is ready for this Nurture."""
    return revision_of(engine) == newest_revision()


def differences(connection: Connection) -> list[object]:
    """What still differs between the database and the schema in the code; empty when they agree."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def _writer(engine: Engine) -> Engine:
    if engine.dialect.name != "sqlite":
        return engine
    return engine.execution_options(nurture_write=True)
