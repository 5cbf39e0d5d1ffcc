"""What is thought of opens and clicks: noted when first judged, revised when more is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.events import Verdict
from nurture.store.base import chunks
from nurture.store.schema import EventRow, Inbox, VerdictChange


@dataclass(frozen=True, slots=True)
class Revision:
    """A verdict on an event, with the reasons for it."""

    event_id: int
    verdict: Verdict
    reasons: tuple[str, ...]


def note_verdicts(session: Session, verdicts: Sequence[Revision], now: datetime) -> None:
    """Append verdicts to their ledger; the events carry them already."""
    rows = [
        {"event_id": one.event_id, "verdict": one.verdict.value, "reasons": list(one.reasons), "at": now}
        for one in verdicts
    ]
    if rows:
        session.execute(insert(VerdictChange), rows)


def revise(session: Session, revisions: Sequence[Revision], now: datetime) -> None:
    """Change what is thought of events: ledger, newest verdict, and another turn in the inbox.

    Processing them again moves scores; it never unsends.
    """
    note_verdicts(session, revisions, now)
    statement = (
        update(EventRow)
        .where(EventRow.id == bindparam("revised"))
        .values(verdict=bindparam("judged"))
        .execution_options(synchronize_session=False)
    )
    for batch in chunks(revisions):
        session.connection().execute(
            statement, [{"revised": one.event_id, "judged": one.verdict.value} for one in batch]
        )
        _to_the_inbox(session, [one.event_id for one in batch])


def _to_the_inbox(session: Session, event_ids: Sequence[int]) -> None:
    """Have the events processed again, even where that is just being done: then it is done once more."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    revised = select(EventRow.id, EventRow.lead_id, EventRow.at, literal(0)).where(EventRow.id.in_(event_ids))
    statement = upsert(Inbox).from_select(["event_id", "lead_id", "at", "attempts"], revised)
    # On PostgreSQL this waits for whoever holds the row, and writes it anew when it is gone by then.
    session.execute(
        statement.on_conflict_do_update(index_elements=[Inbox.event_id], set_={"attempts": 0, "error": None})
    )
