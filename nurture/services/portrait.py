"""Everything that a lead's page tells: who it is, why its score, why it fits, what it was sent."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.conditions.explain import explain
from nurture.domain.definition.scoring import FitRule
from nurture.domain.errors import NotFound
from nurture.domain.scoring.entries import BY_HAND, Entry, standing
from nurture.domain.scoring.shown import (
    HELD_AT_ZERO,
    Shortfall,
    ShownRow,
    explain_score,
    explain_shortfall,
    rating,
    shown,
)
from nurture.domain.values import LeadView
from nurture.services.house import House, load_house
from nurture.services.runtime import Runtime
from nurture.store.leads import lead_views
from nurture.store.reports import lead as reads
from nurture.store.reports import tasks
from nurture.store.reports.lead import ConsentRow, Dossier, Passage, SuppressionRow
from nurture.store.reports.tasks import TaskRow

_TITLES = {BY_HAND: "By hand", HELD_AT_ZERO: "Never below 0"}


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One entry of the score: what it was worth then, and what is left of it; `left` adds up to the score."""

    title: str
    note: str
    at: datetime | None
    raw: float
    cut: float
    net: float
    left: float


@dataclass(frozen=True, slots=True)
class FitRow:
    """One rule of the fit: what it asks, what was seen, and what it gives."""

    title: str
    says: str
    seen: str
    holds: bool
    points: float


@dataclass(frozen=True, slots=True)
class ScoreSheet:
    """The whole score with its arithmetic."""

    engagement: float
    rating: str
    rows: tuple[ScoreRow, ...]
    taken_back: int
    half_life_days: float
    fit: tuple[FitRow, ...]
    next_band: Shortfall | None
    would_do: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Portrait:
    """A lead's page, as frozen values."""

    lead: LeadView
    dossier: Dossier
    sheet: ScoreSheet
    tags: tuple[tuple[str, datetime], ...]
    consents: tuple[ConsentRow, ...]
    suppressions: tuple[SuppressionRow, ...]
    passages: tuple[Passage, ...]
    tasks: tuple[TaskRow, ...]
    refused_topics: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the lead is called."""
        parts = (self.lead.first_name, self.lead.last_name)
        return " ".join(part for part in parts if part) or self.lead.address or f"Lead {self.lead.id}"


def portrait(runtime: Runtime, lead_id: int, now: datetime) -> Portrait:
    """Everything about one lead.

    Raises:
        NotFound: there is no such lead, or it was erased.
    """
    with runtime.read() as session:
        view = lead_views(session, [lead_id]).get(lead_id)
        dossier = reads.dossier(session, lead_id)
        if view is None or dossier is None or dossier.erased_at is not None:
            raise NotFound(f"There is no lead {lead_id}.")
        house = load_house(session)
        ledger = reads.ledger_of(session, lead_id, house.active.id) if house.active else ()
        return Portrait(
            lead=view,
            dossier=dossier,
            sheet=_sheet(house, view, ledger, now),
            tags=reads.tags_of(session, lead_id),
            consents=reads.consents_of(session, lead_id),
            suppressions=reads.suppressions_of(session, runtime.hash_address(view.address)),
            passages=reads.passages_of(session, lead_id),
            tasks=tasks.tasks_of(session, lead_id),
            refused_topics=tuple(_topic(house, slug) for slug in sorted(view.refused_topics)),
        )


def _sheet(house: House, view: LeadView, ledger: tuple[Entry, ...], now: datetime) -> ScoreSheet:
    scoring = house.active.scoring if house.active else house.scoring
    past = tuple(entry for entry in ledger if entry.effective_at <= now)
    rows = explain_score(past, now, house.half_life)
    engagement = shown(sum(row.points for row in rows))
    higher = sorted(least for least in house.scoring.bands.values() if least > engagement)
    shortfall = explain_shortfall(scoring, past, higher[0], now) if higher else None
    titles = {rule.key: rule.title for rule in scoring.rules} | _TITLES
    return ScoreSheet(
        engagement=engagement,
        rating=rating(view.fit, engagement, house.scoring.bands),
        rows=tuple(_score_row(row, titles) for row in rows),
        taken_back=(len(past) - len(standing(past))) // 2,
        half_life_days=house.half_life.total_seconds() / 86400,
        fit=_fit_rows(house, view, now),
        next_band=shortfall,
        would_do=tuple(titles.get(key, key) for key in shortfall.would_do[:3]) if shortfall else (),
    )


def _score_row(row: ShownRow, titles: dict[str, str]) -> ScoreRow:
    entry = row.entry
    return ScoreRow(
        title=titles.get(row.rule, row.rule),
        note=entry.note if entry else "",
        at=entry.effective_at if entry else None,
        raw=entry.raw if entry else 0.0,
        cut=entry.cut if entry else 0.0,
        net=entry.net if entry else 0.0,
        left=row.points,
    )


def _fit_rows(house: House, view: LeadView, now: datetime) -> tuple[FitRow, ...]:
    snapshot = Snapshot(
        lead=view, events=(), half_life=house.half_life, segments={}, field_types=house.field_types
    )
    return tuple(_fit_row(rule, snapshot, now) for rule in house.scoring.fit.rules)


def _fit_row(rule: FitRule, snapshot: Snapshot, now: datetime) -> FitRow:
    clause = explain(rule.when, snapshot, now)
    return FitRow(rule.title, clause.text, clause.seen, clause.truth, rule.points if clause.truth else 0.0)


def _topic(house: House, slug: str) -> str:
    topic = house.organisation.topic(slug)
    return topic.name if topic else slug
