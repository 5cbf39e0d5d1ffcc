"""Engagement kept by the ledger: settled by events, adjusted by hand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.events import Event
from nurture.domain.scoring.decay import total
from nurture.domain.scoring.entries import BY_HAND, Entry
from nurture.domain.scoring.settle import settle
from nurture.services.house import Generation, House
from nurture.store import scores as store
from nurture.store.inbox import lock_leads

Events = Mapping[int, tuple[Event, ...]]
"""All events that count, by lead."""


def rescore(
    session: Session,
    generations: Collection[Generation],
    leads: Collection[int],
    events: Events,
    now: datetime,
) -> store.Ledgers:
    """Settle the ledgers of these leads, which the caller has locked; returns them as they are now."""
    held = store.ledgers(session, [generation.id for generation in generations], leads)
    changes: dict[tuple[int, int], tuple[Entry, ...]] = {}
    for generation in generations:
        for lead_id in leads:
            key = (generation.id, lead_id)
            change = settle(generation.scoring, events.get(lead_id, ()), held.get(key, ()))
            if change:
                changes[key] = change
    return write(session, generations, held, changes, now)


def write(
    session: Session,
    generations: Collection[Generation],
    held: store.Ledgers,
    changes: store.Ledgers,
    now: datetime,
) -> store.Ledgers:
    """Append changes to ledgers and keep the pairs they come down to; returns the ledgers as they are now."""
    store.append(session, changes, now)
    ledgers = {**held, **{key: (*held.get(key, ()), *change) for key, change in changes.items()}}
    for generation in generations:
        half_life = generation.scoring.half_life_exact
        totals = {
            lead_id: total(ledgers[number, lead_id], half_life)
            for number, lead_id in changes
            if number == generation.id
        }
        scores = {lead_id: score for lead_id, score in totals.items() if score is not None}
        store.write_scores(session, generation.id, scores, half_life)
    return ledgers


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Points that no event brings; the same `key` counts once for a lead."""

    lead_id: int
    points: float
    key: str
    note: str


def adjust(session: Session, house: House, adjustments: Sequence[Adjustment], now: datetime) -> None:
    """Give or take points by hand or by a campaign's step, in every generation that is kept."""
    leads = lock_leads(session, [one.lead_id for one in adjustments], wait=True)
    held = store.ledgers(session, [generation.id for generation in house.generations], leads)
    changes: dict[tuple[int, int], tuple[Entry, ...]] = {}
    for one in adjustments:
        for generation in house.generations:
            key = (generation.id, one.lead_id)
            known = {entry.dedupe_key for entry in (*held.get(key, ()), *changes.get(key, ()))}
            if one.key not in known:
                changes[key] = (*changes.get(key, ()), _by_hand(one, now))
    write(session, house.generations, held, changes, now)


def _by_hand(one: Adjustment, now: datetime) -> Entry:
    return Entry(
        rule=BY_HAND,
        dedupe_key=one.key,
        seq=1,
        raw=one.points,
        cut=0.0,
        effective_at=now,
        note=one.note,
    )
