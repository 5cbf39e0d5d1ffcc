"""Column types as migrations write them; they never change."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB


def big() -> sa.types.TypeEngine[int]:
    """A 64-bit number; SQLite's own INTEGER, which is one and counts up by itself."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def json() -> sa.types.TypeEngine[Any]:
    """Plain data; binary JSON on PostgreSQL."""
    return sa.JSON().with_variant(JSONB(), "postgresql")
