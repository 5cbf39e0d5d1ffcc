"""Events that wait to be processed, and those that count already."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from nurture.domain.events import Event, Verdict
from nurture.store.schema import EventRow, Inbox, Lead

MAX_ATTEMPTS = 3
"""After so many failures an event is left alone until a person looks at it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event in the inbox and the lead that it is about."""

    event_id: int
    lead_id: int


def waiting(session: Session, limit: int) -> tuple[Waiting, ...]:
    """The events to be processed next, oldest first; those set aside are left out."""
    rows = session.execute(
        select(Inbox.event_id, Inbox.lead_id)
        .where(Inbox.attempts < MAX_ATTEMPTS)
        .order_by(Inbox.at, Inbox.event_id)
        .limit(limit)
    )
    return tuple(Waiting(*row) for row in rows)


def lock_leads(session: Session, lead_ids: Iterable[int], *, wait: bool) -> set[int]:
    """Take hold of these leads until the transaction ends; returns those that we got.

    Without `wait` leads that somebody else holds are passed over. SQLite has one writer: all are ours.
    """
    ids = sorted(set(lead_ids))
    statement = select(Lead.id).where(Lead.id.in_(ids)).order_by(Lead.id)
    # FOR NO KEY UPDATE: rows that refer to the lead may still be written, its own columns may not.
    return set(session.scalars(statement.with_for_update(key_share=True, skip_locked=not wait)))


def take(session: Session, rows: Sequence[Waiting], leads: Collection[int]) -> tuple[int, ...]:
    """Those of the events that still wait and belong to `leads`, locked: a revised verdict waits for us."""
    ids = [row.event_id for row in rows if row.lead_id in leads]
    statement = select(Inbox.event_id).where(Inbox.event_id.in_(ids)).order_by(Inbox.event_id)
    return tuple(session.scalars(statement.with_for_update()))


def leave(session: Session, event_ids: Collection[int]) -> None:
    """The events are processed: take them out of the inbox."""
    session.execute(delete(Inbox).where(Inbox.event_id.in_(event_ids)))


def lost_a_race(error: DBAPIError) -> bool:
    """Whether the transaction failed only because another one was in its way, so that it may be done later.

    Source: PostgreSQL, appendix A: 40001 serialization_failure, 40P01 deadlock_detected, 55P03
    lock_not_available.
    """
    return getattr(error.orig, "sqlstate", None) in ("40001", "40P01", "55P03")


def drop_ownerless(session: Session, rows: Sequence[Waiting]) -> int:
    """Take events out of the inbox whose lead is gone; returns how many."""
    ids = [row.event_id for row in rows]
    gone = ~exists().where(Lead.id == Inbox.lead_id)
    result = session.execute(
        delete(Inbox).where(Inbox.event_id.in_(ids), gone).execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined] # A DELETE returns a CursorResult.


def note_failure(session: Session, event_id: int, error: str) -> None:
    """Remember why an event could not be processed; after `MAX_ATTEMPTS` it is set aside."""
    session.execute(
        update(Inbox)
        .where(Inbox.event_id == event_id)
        .values(attempts=Inbox.attempts + 1, error=error[:2000])
        .execution_options(synchronize_session=False)
    )


def settled_events(
    session: Session, lead_ids: Collection[int], kinds: Collection[str] | None, taken: Collection[int] = ()
) -> dict[int, tuple[Event, ...]]:
    """The leads' events that count, in (at, id) order: those of `kinds` (`None`: of all), and those `taken`.

    What else waits in the inbox, or was set aside there, does not count yet.
    """
    columns = (
        EventRow.id,
        EventRow.lead_id,
        EventRow.kind,
        EventRow.at,
        EventRow.verdict,
        EventRow.message_id,
        EventRow.campaign,
        EventRow.enrollment_id,
        EventRow.step,
        EventRow.data,
    )
    counts = ~exists().where(Inbox.event_id == EventRow.id)
    if kinds is not None:
        counts = counts & EventRow.kind.in_(sorted(kinds))
    statement = (
        select(*columns)
        .where(EventRow.lead_id.in_(lead_ids), or_(counts, EventRow.id.in_(taken)))
        .order_by(EventRow.at, EventRow.id)
    )
    found: defaultdict[int, list[Event]] = defaultdict(list)
    for key, lead_id, kind, at, verdict, *rest in session.execute(statement):
        found[lead_id].append(Event(key, lead_id, kind, at, Verdict(verdict) if verdict else None, *rest))
    return {lead_id: tuple(events) for lead_id, events in found.items()}
