"""The list of leads: searched, filtered, sorted and cut into pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVarTuple, assert_never

from sqlalchemy import ColumnElement, Select, UnaryExpression, and_, exists, or_, select
from sqlalchemy.orm import Session

from nurture.domain.scoring.decay import threshold_heat
from nurture.domain.text import fold
from nurture.domain.values import Grade, Score
from nurture.store.leads import active_generation
from nurture.store.reports.activity import lead_name
from nurture.store.reports.counting import Count, count_up_to
from nurture.store.schema import Company, Lead, LeadTag, ScoreRow

Columns = TypeVarTuple("Columns")

PAGE = 25
COUNTED = 10_000


class LeadSort(StrEnum):
    """The orders that the list knows; nothing else ever reaches ORDER BY."""

    NEWEST = "newest"
    OLDEST = "oldest"
    WARMEST = "warmest"
    NAME = "name"
    COMPANY = "company"


@dataclass(frozen=True, slots=True)
class Warmth:
    """A range of engagement at `now`; either end may be open."""

    at_least: float | None
    below: float | None
    now: datetime
    half_life: timedelta


@dataclass(frozen=True, slots=True)
class LeadQuery:
    """What the list shall show; an empty value filters nothing."""

    search: str = ""
    lifecycle: str = ""
    stage: str = ""
    fit: str = ""
    warmth: Warmth | None = None
    tag: str = ""
    mailable: bool | None = None
    sort: LeadSort = LeadSort.NEWEST
    page: int = 1


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead as lists show it."""

    id: int
    name: str
    address: str
    company: str
    industry: str
    lifecycle: str
    stage: str
    fit: Grade
    score: Score | None
    mailable: bool
    not_mailable_because: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LeadPage:
    """One page of the list, and how many leads there are on all of them."""

    rows: tuple[LeadRow, ...]
    total: Count
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total.number // PAGE))

    @property
    def first(self) -> int:
        """The number of the first row shown."""
        return (self.page - 1) * PAGE + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return (self.page - 1) * PAGE + len(self.rows)


def lead_page(session: Session, query: LeadQuery) -> LeadPage:
    """The leads that match, on the page asked for (the last one where there are not so many)."""
    generation = active_generation(session)
    matching = _matching(select(Lead.id), query, generation)
    total = count_up_to(session, matching, COUNTED)
    page = min(query.page, max(1, -(-total.number // PAGE)))
    statement = (
        _matching(
            select(Lead, Company.name, Company.industry, ScoreRow.value, ScoreRow.as_of), query, generation
        )
        .order_by(*_order(query.sort))
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    rows = tuple(_row(*row) for row in session.execute(statement))
    return LeadPage(rows, total, page)


def known_tags(session: Session, limit: int = 200) -> tuple[str, ...]:
    """The tags in use, by name."""
    rows = session.scalars(select(LeadTag.tag).distinct().order_by(LeadTag.tag).limit(limit))
    return tuple(rows)


def _matching(statement: Select[*Columns], query: LeadQuery, generation: int | None) -> Select[*Columns]:
    score = and_(ScoreRow.lead_id == Lead.id, ScoreRow.generation == generation)
    joined = statement.outerjoin(Company, Company.id == Lead.company_id).outerjoin(ScoreRow, score)
    return joined.where(Lead.erased_at.is_(None), *_filters(query))


def _filters(query: LeadQuery) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = [_contains(word) for word in fold(query.search).split()]
    if query.lifecycle:
        filters.append(Lead.lifecycle == query.lifecycle)
    if query.stage:
        filters.append(Lead.stage == query.stage)
    if query.fit:
        filters.append(Lead.fit == query.fit)
    if query.tag:
        filters.append(exists().where(LeadTag.lead_id == Lead.id, LeadTag.tag == query.tag))
    if query.mailable is not None:
        filters.append(Lead.mailable.is_(query.mailable))
    return [*filters, *_warm(query.warmth)]


def _contains(word: str) -> ColumnElement[bool]:
    return Lead.search.contains(word, autoescape=True)


def _warm(warmth: Warmth | None) -> list[ColumnElement[bool]]:
    if warmth is None:
        return []
    filters: list[ColumnElement[bool]] = []
    if warmth.at_least is not None:
        filters.append(ScoreRow.heat >= threshold_heat(warmth.at_least, warmth.now, warmth.half_life))
    if warmth.below is not None:
        limit = threshold_heat(warmth.below, warmth.now, warmth.half_life)
        filters.append(or_(ScoreRow.heat.is_(None), ScoreRow.heat < limit))
    return filters


def _order(sort: LeadSort) -> tuple[UnaryExpression[Any], ...]:
    match sort:
        case LeadSort.NEWEST:
            return Lead.created_at.desc(), Lead.id.desc()
        case LeadSort.OLDEST:
            return Lead.created_at.asc(), Lead.id.asc()
        case LeadSort.WARMEST:
            return ScoreRow.heat.desc().nulls_last(), Lead.id.desc()
        case LeadSort.NAME:
            return Lead.last_name_folded.asc(), Lead.first_name_folded.asc(), Lead.id.asc()
        case LeadSort.COMPANY:
            return Company.name_folded.asc().nulls_last(), Lead.last_name_folded.asc(), Lead.id.asc()
        case _:
            assert_never(sort)


def _row(
    lead: Lead, company: str | None, industry: str | None, value: float | None, as_of: datetime | None
) -> LeadRow:
    return LeadRow(
        id=lead.id,
        name=lead_name(lead),
        address=lead.address or "",
        company=company or "",
        industry=industry or "",
        lifecycle=lead.lifecycle,
        stage=lead.stage,
        fit=Grade(lead.fit),
        score=Score(value, as_of) if value is not None and as_of is not None else None,
        mailable=lead.mailable,
        not_mailable_because=lead.not_mailable_because or "",
        created_at=lead.created_at,
    )
