"""Columns that keep the folded form of a text, so that both databases compare it as Python does."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import JSON, Dialect, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.types import TypeEngine

from nurture.domain.text import fold

TWIN = "~"
"""The key under which `FieldsJson` keeps the folded texts; no custom field can be called so."""

FOLDED = {"first_name": "first_name_folded", "last_name": "last_name_folded", "name": "name_folded"}
"""Columns with a folded column beside them."""


class FoldedText(TypeDecorator[str]):
    """A text that is kept only in its folded form, because nobody asks how it was written."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Fold what is stored, and what is compared with it."""
        return None if value is None else fold(value)


class FieldsJson(TypeDecorator[dict[str, Any]]):
    """Custom fields by name; the folded forms of the texts are stored beside them and never shown."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSONB on PostgreSQL, JSON text on SQLite."""
        impl: TypeEngine[Any] = JSONB() if dialect.name == "postgresql" else JSON()
        return dialect.type_descriptor(impl)

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any]:
        """Add the folded twin of every text."""
        fields = value or {}
        texts = {name: fold(text) for name, text in fields.items() if isinstance(text, str)}
        return {**fields, TWIN: texts} if texts else dict(fields)

    def process_result_value(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any]:
        """Take the twin away again."""
        return {name: field for name, field in (value or {}).items() if name != TWIN}


def folded_from(name: str) -> Callable[[DefaultExecutionContext], str]:
    """A column default: the folded form of what is inserted into the column `name`, or ""."""

    def default(context: DefaultExecutionContext) -> str:
        # SQLAlchemy can isolate the row of a multi-row VALUES only for plain tables, so it is done here.
        row: Mapping[str, str | None] = context.get_current_parameters(  # type: ignore[no-untyped-call] # theirs
            isolate_multiinsert_groups=False
        )
        column = context.current_column
        number = getattr(column, "index", -1) + 1 if hasattr(column, "original") else 0
        return fold(row.get(name) or row.get(f"{name}_m{number}") or "")

    return default


def with_folded(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` of an UPDATE statement, with the folded columns that change along.

    Inserts, and objects of the session, take care of theirs by themselves.
    """
    twins = {FOLDED[name]: fold(text or "") for name, text in values.items() if name in FOLDED}
    return {**values, **twins}
