"""From facts to their effects: scores, fit, ladders, wakes, hand-offs, suppressions.

Every effect of an event is written in the transaction that takes it out of the inbox, so that an event is
processed wholly or not at all, and again after a crash.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from nurture.domain.events import Event
from nurture.domain.lifecycle.climb import climb
from nurture.domain.lifecycle.foresight import event_kinds
from nurture.domain.react import PROFILE, kinds_that_matter
from nurture.services.enroll import enter_by_events
from nurture.services.flows import load_flows
from nurture.services.generations import build, install
from nurture.services.goals import note_goals
from nurture.services.handoff import take_replies
from nurture.services.house import House
from nurture.services.ladders import Snapshots, refitted, settle_moves, snapshots_of
from nurture.services.refusals import heed_refusals
from nurture.services.runtime import Runtime
from nurture.services.scores import Events, rescore
from nurture.store import inbox
from nurture.store.base import PAUSE, chunks
from nurture.store.enrollments import underway, wake
from nurture.store.inbox import Waiting
from nurture.store.leads import mark_dirty

log = structlog.get_logger(__name__)

AT_ONCE = 200
"""Events in one transaction."""


def process(runtime: Runtime, now: datetime, limit: int) -> int:
    """Process at most `limit` waiting events, oldest first; returns how much was done, 0 when nothing waits.

    An event that cannot be processed is tried a few times, then set aside with its error; others go on.
    When the inbox is empty, scoring rules that are being built are built a piece further.
    """
    with runtime.read() as session:
        rows = inbox.waiting(session, limit)
    done = 0
    for batch in chunks(rows, AT_ONCE):
        done += _work_off(runtime, batch, now)
        time.sleep(PAUSE.total_seconds())
    return done or build(runtime, now)


def _work_off(runtime: Runtime, batch: Sequence[Waiting], now: datetime) -> int:
    """Process a batch in one transaction; where that fails, its halves, down to the event to blame."""
    try:
        with runtime.write() as session:
            return _process(session, runtime, batch, now)
    except (OperationalError, InterfaceError) as error:
        # The database, not an event: the batch waits for the next call.
        if inbox.lost_a_race(error):
            return 0
        raise
    except Exception as error:
        if len(batch) > 1:
            middle = len(batch) // 2
            return _work_off(runtime, batch[:middle], now) + _work_off(runtime, batch[middle:], now)
        log.exception("event_failed", event_id=batch[0].event_id, lead_id=batch[0].lead_id)
        with runtime.write() as session:
            inbox.note_failure(session, batch[0].event_id, f"{type(error).__name__}: {error}")
        return 1


def _process(session: Session, runtime: Runtime, batch: Sequence[Waiting], now: datetime) -> int:
    ownerless = inbox.drop_ownerless(session, batch)
    leads = inbox.lock_leads(session, [row.lead_id for row in batch], wait=False)
    taken = frozenset(inbox.take(session, batch, leads))
    if taken:
        house = install(session, now)
        touched = {row.lead_id for row in batch if row.event_id in taken}
        history = inbox.settled_events(session, touched, _kinds(house), taken)
        fresh = [event for events in history.values() for event in events if event.id in taken]
        snapshots = _rate(session, house, history, fresh, now)
        leads_now = {lead_id: snapshot.lead for lead_id, snapshot in snapshots.items()}
        take_replies(session, fresh, leads_now, now)
        heed_refusals(session, fresh, leads_now, runtime.hash_address, now)
        enter_by_events(session, fresh, runtime.settings.zone, now)
        _wake(session, house, fresh, now)
        mark_dirty(session, touched, now)
        inbox.leave(session, taken)
        note_goals(session, house, fresh, runtime.settings.zone, now)
    return len(taken) + ownerless


def _kinds(house: House) -> frozenset[str]:
    """The kinds of events that scores and ladders are made of."""
    scoring = {rule.when.event for generation in house.generations for rule in generation.scoring.rules}
    return event_kinds(house.ladders, house.segments) | scoring


def _rate(
    session: Session, house: House, history: Events, fresh: Sequence[Event], now: datetime
) -> Snapshots:
    """Bring scores, fit and ladders of these leads in line with their events; returns how they stand then."""
    ledgers = rescore(session, house.generations, history.keys(), history, now)
    snapshots = snapshots_of(session, house, history.keys(), history)
    profiled = {event.lead_id for event in fresh if event.kind in PROFILE}
    snapshots = refitted(session, house, snapshots, profiled, now)
    climbing = event_kinds(house.ladders, house.segments)
    news: defaultdict[int, list[Event]] = defaultdict(list)
    for event in fresh:
        if event.counts and event.kind in climbing:
            news[event.lead_id].append(event)
    active = house.active.id if house.active else 0
    moves = [
        move
        for lead_id, snapshot in snapshots.items()
        for move in climb(snapshot, ledgers.get((active, lead_id), ()), house.ladders, news[lead_id], now)
    ]
    return settle_moves(session, snapshots, moves, now)


def _wake(session: Session, house: House, fresh: Sequence[Event], now: datetime) -> None:
    """Have the passages looked at to which one of the events matters."""
    kinds: defaultdict[int, set[str]] = defaultdict(set)
    for event in fresh:
        if event.counts:
            kinds[event.lead_id].add(event.kind)
    passages = underway(session, kinds)
    flows = load_flows(session, {passage.version_id for passage in passages})
    awaited = {
        version_id: kinds_that_matter(flow.definition, house.segments) for version_id, flow in flows.items()
    }
    woken = [
        passage.enrollment_id
        for passage in passages
        if (wanted := awaited.get(passage.version_id)) is None or wanted & kinds[passage.lead_id]
    ]
    wake(session, woken, now)
