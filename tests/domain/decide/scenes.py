"""Leads, campaigns and moments for tests of single decisions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.decide import (
    Context,
    Effect,
    Flow,
    Note,
    Passage,
    compile_flow,
)
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.events import Event, EventKind, Verdict
from nurture.domain.streams import Piece, Stream
from nurture.domain.values import LeadView, Lifecycle

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""A Monday morning."""
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LISBON = ZoneInfo("Europe/Lisbon")
ANA = LeadView(
    id=1,
    address="ana@example.com",
    created_at=NOW - 90 * DAY,
    lifecycle=Lifecycle.LEAD,
    stage_since=NOW - 50 * DAY,
    mailable=True,
)
STUDIES = Stream("studies", (Piece("studies/a", 1), Piece("studies/b", 2, expires=NOW + 30 * DAY)))


def flow(text: str, **extra: Any) -> Flow:
    body = {
        "slug": "test",
        "name": "Test",
        "entry": {"manual": True},
        **yaml.load(text, yaml.BaseLoader),
        **extra,
    }
    return compile_flow(CampaignDefinition.model_validate(body))


def fresh(**values: Any) -> Passage:
    start = Passage(1, 1, "test", 1, None, NOW, 0, NOW)
    return replace(start, **values)


def known(lead: LeadView = ANA, *events: Event, **values: Any) -> Context:
    snapshot = Snapshot(lead, events, timedelta(days=30))
    return replace(Context(snapshot, LISBON, streams={"studies": STUDIES}), **values)


def click(at: datetime, step: str = "one", number: int = 1) -> Event:
    return Event(number, 1, EventKind.EMAIL_CLICKED, at, Verdict.HUMAN, enrollment_id=1, step=step)


def acts(effects: tuple[Effect, ...]) -> list[Effect]:
    return [effect for effect in effects if not isinstance(effect, Note)]


def notes(effects: tuple[Effect, ...]) -> list[tuple[str | None, str, str]]:
    return [(note.step, note.outcome, note.reason) for note in effects if isinstance(note, Note)]


ONE = "steps: [{key: one, send: {template: letters/one}}]"
TWO = "steps: [{key: one, send: {template: letters/one}}, {key: two, send: {template: letters/two}}]"
