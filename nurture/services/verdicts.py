"""What is thought of opens and clicks: noted when first judged, revised when more is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
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
    waiting = select(Inbox.event_id)
    owners = session.execute(
        select(EventRow.id, EventRow.lead_id).where(EventRow.id.in_(event_ids), EventRow.id.not_in(waiting))
    )
    rows = [{"event_id": owner.id, "lead_id": owner.lead_id, "attempts": 0} for owner in owners]
    if rows:
        session.execute(insert(Inbox), rows)
