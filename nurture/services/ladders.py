"""Where leads stand: fit and ladders looked at again, and moves made by people and steps."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.errors import NotFound
from nurture.domain.events import EventKind
from nurture.domain.lifecycle.moves import Move, Wish, advance, landed, move
from nurture.domain.scoring.fit import fit_of
from nurture.services.house import House
from nurture.services.scores import Events
from nurture.store import scores
from nurture.store.audit import AuditNote, record
from nurture.store.enrollments import wake_leads
from nurture.store.events import NewEvent, record_events
from nurture.store.inbox import lock_leads, settled_events
from nurture.store.ladders import record_moves
from nurture.store.leads import lead_views, mark_dirty

Snapshots = dict[int, Snapshot]
"""What decisions look at, by lead."""


def reconsider(
    session: Session,
    house: House,
    lead_ids: Iterable[int],
    now: datetime,
    kinds: Collection[str] | None = None,
) -> Snapshots:
    """Bring fit and ladders of these leads in line with what is known at `now`; returns how they stand then.

    The snapshots hold the events of `kinds`, or all of them; what the ladders ask about has to be among them.
    Enrollments of leads that moved are woken.
    """
    leads = lock_leads(session, lead_ids, wait=True)
    snapshots = snapshots_of(session, house, leads, settled_events(session, leads, kinds))
    snapshots = refitted(session, house, snapshots, leads, now)
    moves = [one for snapshot in snapshots.values() for one in advance(snapshot, house.ladders, now)]
    return settle_moves(session, snapshots, moves, now)


def snapshots_of(session: Session, house: House, leads: Collection[int], events: Events) -> Snapshots:
    """These leads with their events, as decisions look at them."""
    return {
        lead_id: Snapshot(view, events.get(lead_id, ()), house.half_life, house.segments, house.field_types)
        for lead_id, view in lead_views(session, leads).items()
    }


def refitted(
    session: Session, house: House, snapshots: Snapshots, leads: Collection[int], now: datetime
) -> Snapshots:
    """The same with the fit of `leads` worked out anew; it is kept where it changed."""
    held = scores.fits(session, leads)
    found = {lead_id: fit_of(house.scoring.fit, snapshots[lead_id], now) for lead_id in leads}
    changed = {lead_id: fit for lead_id, fit in found.items() if fit != held[lead_id]}
    scores.write_fits(session, changed)
    graded = {
        lead_id: replace(snapshots[lead_id], lead=replace(snapshots[lead_id].lead, fit=fit.grade))
        for lead_id, fit in changed.items()
    }
    return {**snapshots, **graded}


def settle_moves(session: Session, snapshots: Snapshots, moves: Sequence[Move], now: datetime) -> Snapshots:
    """Write moves down, wake the enrollments of whoever moved, and return the leads where they stand now."""
    if not moves:
        return snapshots
    record_moves(session, moves, now)
    moved = {one.lead_id for one in moves}
    wake_leads(session, moved, now)
    by_lead: defaultdict[int, list[Move]] = defaultdict(list)
    for one in moves:
        by_lead[one.lead_id].append(one)
    return {
        lead_id: replace(snapshot, lead=landed(snapshot.lead, by_lead[lead_id]))
        for lead_id, snapshot in snapshots.items()
    }


def move_leads(session: Session, house: House, wishes: Sequence[Wish], now: datetime) -> tuple[Move, ...]:
    """Move leads as a campaign's steps ask; a pin made by a person stands against it.

    Raises:
        ConflictError: when a stage does not go with a lead's lifecycle.
    """
    leads = lead_views(session, lock_leads(session, [wish.lead_id for wish in wishes], wait=True))
    moves: list[Move] = []
    for wish in wishes:
        if (lead := leads.get(wish.lead_id)) is not None:
            made = move(lead, house.ladders, wish, now)
            leads[wish.lead_id] = landed(lead, made)
            moves += made
    settle_moves(session, {}, moves, now)
    mark_dirty(session, {one.lead_id for one in moves}, now)
    return tuple(moves)


def move_by_person(session: Session, house: House, wish: Wish, now: datetime) -> tuple[Move, ...]:
    """Move a lead by hand; the move is pinned for the time that lifecycle.yaml states, and audited.

    Raises:
        NotFound: there is no such lead.
        ConflictError: when the stage does not go with the lead's lifecycle.
    """
    if not lock_leads(session, [wish.lead_id], wait=True):
        raise NotFound(f"There is no lead {wish.lead_id}.")
    moves = move_leads(session, house, [replace(wish, by_person=True)], now)
    record_events(session, [_moved(one) for one in moves], now)
    for one in moves:
        detail = {
            "ladder": one.ladder.value,
            "from": one.from_.value,
            "to": one.to.value,
            "reason": one.reason,
        }
        record(session, AuditNote(wish.actor, "move", f"lead:{wish.lead_id}", detail), now)
    return moves


def _moved(one: Move) -> NewEvent:
    return NewEvent(
        source="people",
        external_id=f"moved:{one.lead_id}:{one.ladder}:{one.at.isoformat()}",
        lead_id=one.lead_id,
        kind=EventKind.MOVED,
        at=one.at,
        data={"ladder": one.ladder.value, "from": one.from_.value, "to": one.to.value},
    )
