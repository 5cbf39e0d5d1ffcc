"""What stands above a template: what it is, what it is about and whom it suits."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from nurture.domain.conditions.tree import Part
from nurture.domain.definition.steps import Slug
from nurture.domain.values import Stage


class Kind(StrEnum):
    """The kinds of templates; all but `system` are marketing, with an address and a way to unsubscribe."""

    NEWSLETTER = "newsletter"
    CASE_STUDY = "case_study"
    PROPOSAL = "proposal"
    LETTER = "letter"
    SYSTEM = "system"


def _moment(value: object) -> object:
    """A bare date counts to its end in UTC."""
    if not isinstance(value, str):
        return value
    try:
        if "T" in value or " " in value:
            return datetime.fromisoformat(value)
        day = date.fromisoformat(value)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise ValueError(f'"{value}" is not a date. Write it as 2027-03-31.') from None


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} names no zone. Write 2027-03-31T18:00:00+01:00.")
    return value.astimezone(UTC)


def _one_line(value: str) -> str:
    if "\n" in value.strip():
        raise ValueError("this must stand on one line")
    return value.strip()


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    AfterValidator(_aware),
    PlainSerializer(datetime.isoformat, when_used="json"),
]
Line = Annotated[str, Field(max_length=500), AfterValidator(_one_line)]


class FrontMatter(Part):
    """The head of a template file; lists that are empty suit everybody.

    `expires` is the first instant at which the template is out of date, `order` its place in a stream,
    `title` and `summary` what a card shows of it, `sample` the values that previews and `check` use.
    """

    kind: Kind
    layout: Slug | None = None
    subject: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)]
    preheader: Line = ""
    topic: Slug | None = None
    stages: tuple[Stage, ...] = ()
    industries: tuple[str, ...] = ()
    company_sizes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    expires: Moment | None = None
    order: int = 0
    title: Line = ""
    summary: Line = ""
    sample: Mapping[str, Any] = Field(default_factory=dict)
