"""Alembic's entry: runs the migrations on the connection that `nurture.store.upgrade` hands over."""

from typing import TYPE_CHECKING, Literal

from alembic import context
from sqlalchemy import BigInteger
from sqlalchemy.types import TypeDecorator

from nurture.store import schema  # noqa: F401 - importing registers the tables.
from nurture.store.base import Base

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext


def render_item(kind: str, item: object, _autogen: "AutogenContext") -> str | Literal[False]:
    """Write our column types as plain ones, so that old migrations do not depend on today's code."""
    if kind != "type":
        return False
    if isinstance(item, TypeDecorator):
        return {"UTCDateTime": "sa.DateTime(timezone=True)", "FieldsJson": "json()"}.get(
            type(item).__name__, "sa.Text()"
        )
    if isinstance(item, BigInteger):
        return "big()"
    return "json()" if type(item).__name__ == "JSON" else False


def run() -> None:
    """Migrate on the caller's connection; SQLite rebuilds tables where it cannot alter them."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
