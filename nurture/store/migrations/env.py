"""Alembic's entry: runs the migrations on the connection that `nurture.store.upgrade` hands over."""

from alembic import context

from nurture.store import schema  # noqa: F401 - importing registers the tables.
from nurture.store.base import Base


def run() -> None:
    """Migrate on the caller's connection; SQLite rebuilds tables where it cannot alter them."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=False,
    )
    context.run_migrations()


run()
