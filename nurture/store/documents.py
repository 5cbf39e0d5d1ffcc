"""Settings files and layouts as they were last applied, with their text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nurture.store.schema import Document

LAYOUTS = "_layouts/"
"""Layouts are documents too, named `_layouts/<name>[.<language>]`."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One file: what it says, its text where it came from a file, and what tells contents apart."""

    name: str
    body: Mapping[str, Any]
    source: str | None
    digest: str


def documents(session: Session) -> dict[str, StoredDocument]:
    """Every document by name."""
    rows = session.execute(
        select(Document.name, Document.body, Document.source, Document.digest).order_by(Document.name)
    )
    return {row.name: StoredDocument(*row) for row in rows}


def document(session: Session, name: str) -> StoredDocument | None:
    """One document, or None where it was never applied."""
    row = session.get(Document, name)
    return None if row is None else StoredDocument(row.name, row.body, row.source, row.digest)


def save_documents(session: Session, stored: Iterable[StoredDocument], now: datetime) -> None:
    """Keep these documents in the place of their older forms."""
    for item in stored:
        session.merge(
            Document(
                name=item.name,
                body=dict(item.body),
                source=item.source,
                digest=item.digest,
                updated_at=now,
            )
        )
    session.flush()
