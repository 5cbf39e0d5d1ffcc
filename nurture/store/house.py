"""The settings files as they were last applied, and the scoring rules that count."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nurture.store.schema import Document, Generation

Bodies = Mapping[str, Mapping[str, Any]]
"""The parsed settings files that were applied, by name."""

NAMES = ("scoring", "lifecycle", "segments", "streams", "organisation")
LIVE = ("active", "building", "built")
"""Generations that new events are scored by."""


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """One set of scoring rules: `active`, or beside it `building`, or `built` and ready to be switched to."""

    id: int
    status: str
    rules: Mapping[str, Any]
    built_to_lead: int


def digest(session: Session) -> str:
    """A text that changes whenever a settings file or the standing of a generation does."""
    documents = session.execute(
        select(Document.name, Document.digest).where(Document.name.in_(NAMES)).order_by(Document.name)
    )
    generations = session.execute(
        select(Generation.id, Generation.status).where(Generation.status.in_(LIVE)).order_by(Generation.id)
    )
    return " ".join(f"{name}:{state}" for name, state in (*documents, *generations))


def bodies(session: Session) -> Bodies:
    """The parsed settings files that were applied, by name."""
    rows = session.execute(select(Document.name, Document.body).where(Document.name.in_(NAMES)))
    return {name: body for name, body in rows}  # noqa: C416 - rows are no pairs to mypy.


def generations(session: Session) -> tuple[GenerationRow, ...]:
    """The generations that new events are scored by, oldest first."""
    rows = session.execute(
        select(Generation.id, Generation.status, Generation.rules, Generation.built_to_lead)
        .where(Generation.status.in_(LIVE))
        .order_by(Generation.id)
    )
    return tuple(GenerationRow(*row) for row in rows)
