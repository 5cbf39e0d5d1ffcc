"""Bring a database to the schema of this Nurture, and say where it stands."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Engine

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
    """What still differs between the database and the schema in the code; empty when they agree.

    SQLite does not tell which expressions an index is made of, so there such an index is left out.
    """
    unknowable = _expression_indexes() if connection.dialect.name == "sqlite" else frozenset()

    def compares(_thing: object, name: str | None, kind: str, *_others: object) -> bool:
        return kind != "index" or name not in unknowable

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": compares})
    return list(compare_metadata(context, Base.metadata))


def _expression_indexes() -> frozenset[str]:
    indexes = (index for table in Base.metadata.tables.values() for index in table.indexes)
    return frozenset(
        str(index.name)
        for index in indexes
        if not all(isinstance(part, Column) for part in index.expressions)
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def _writer(engine: Engine) -> Engine:
    if engine.dialect.name != "sqlite":
        return engine
    return engine.execution_options(nurture_write=True)
