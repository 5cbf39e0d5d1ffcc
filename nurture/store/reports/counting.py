"""Counting with a limit, because counting a long table to its end is nobody's business on a page."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Count:
    """A number that is exact up to a limit; `more` says that there are more than `number`."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}+" if self.more else f"{self.number:,}"

    def __bool__(self) -> bool:
        return self.number > 0


def count_up_to(session: Session, statement: Select[*tuple[Any, ...]], limit: int = LIMIT) -> Count:
    """How many rows the statement has, looking at no more than `limit` of them and one more."""
    bounded = statement.order_by(None).limit(limit + 1).subquery()
    found = session.scalar(select(func.count()).select_from(bounded)) or 0
    return Count(min(found, limit), found > limit)
