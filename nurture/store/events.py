"""Events: recorded once however often they are reported, and read back as frozen values."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.events import Event, Verdict, event_id
from nurture.domain.values import Scalar
from nurture.store.base import chunks
from nurture.store.schema import EventRow, Inbox


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact about to be recorded; (source, external_id) names it for ever."""

    source: str
    external_id: str
    lead_id: int
    kind: str
    at: datetime
    verdict: Verdict | None = None
    message_id: int | None = None
    enrollment_id: int | None = None
    campaign: str | None = None
    step: str | None = None
    data: dict[str, Scalar] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The event's key."""
        return event_id(self.source, self.external_id)


def record_events(session: Session, events: Sequence[NewEvent], now: datetime) -> set[int]:
    """Store what is new and put it in the inbox; returns the ids of the events that were not known before."""
    fresh: set[int] = set()
    unique = {event.id: event for event in events}
    for batch in chunks(unique.values()):
        ids = [event.id for event in batch]
        known = set(session.scalars(select(EventRow.id).where(EventRow.id.in_(ids))))
        rows = [_row(event, now) for event in batch if event.id not in known]
        if not rows:
            continue
        fresh.update(_insert_new(session, rows))
    waiting = [
        {"event_id": key, "lead_id": unique[key].lead_id, "at": unique[key].at, "attempts": 0}
        for key in sorted(fresh)
    ]
    if waiting:
        session.execute(insert(Inbox), waiting)
    return fresh


def _insert_new(session: Session, rows: list[dict[str, object]]) -> set[int]:
    """Insert; on PostgreSQL somebody else may be faster, and then their row stands."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sqlite.insert(EventRow).on_conflict_do_nothing(), rows)
        return {int(str(row["id"])) for row in rows}
    statement = postgresql.insert(EventRow).values(rows).on_conflict_do_nothing().returning(EventRow.id)
    return set(session.scalars(statement))


def _row(event: NewEvent, now: datetime) -> dict[str, object]:
    return {
        "id": event.id,
        "lead_id": event.lead_id,
        "kind": event.kind,
        "at": event.at,
        "recorded_at": now,
        "source": event.source,
        "external_id": event.external_id,
        "verdict": event.verdict,
        "message_id": event.message_id,
        "enrollment_id": event.enrollment_id,
        "campaign": event.campaign,
        "step": event.step,
        "data": event.data,
    }


def events_of(
    session: Session, lead_ids: Iterable[int], kinds: Collection[str] | None = None
) -> dict[int, tuple[Event, ...]]:
    """The events of these leads in (at, id) order; only those of `kinds` where it is given."""
    found: dict[int, list[Event]] = defaultdict(list)
    for ids in chunks(lead_ids):
        statement = select(EventRow).where(EventRow.lead_id.in_(ids)).order_by(EventRow.at, EventRow.id)
        if kinds is not None:
            statement = statement.where(EventRow.kind.in_(kinds))
        for row in session.scalars(statement):
            found[row.lead_id].append(as_event(row))
    return {lead_id: tuple(events) for lead_id, events in found.items()}


def as_event(row: EventRow) -> Event:
    """An event as decisions see it."""
    return Event(
        id=row.id,
        lead_id=row.lead_id,
        kind=row.kind,
        at=row.at,
        verdict=Verdict(row.verdict) if row.verdict else None,
        message_id=row.message_id,
        enrollment_id=row.enrollment_id,
        campaign=row.campaign,
        step=row.step,
        data=dict(row.data),
    )
