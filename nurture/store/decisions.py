"""The decision log: append-only, one row per decision, with the values it saw."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from nurture.domain.values import Scalar
from nurture.store.base import chunks
from nurture.store.schema import Decision


@dataclass(frozen=True, slots=True)
class NewDecision:
    """One line of the log, about to be written."""

    lead_id: int
    outcome: str
    reason: str = ""
    sentence: str = ""
    campaign: str | None = None
    enrollment_id: int | None = None
    step: str | None = None
    message_id: int | None = None
    values_seen: Mapping[str, Scalar] = field(default_factory=dict)
    next_at: datetime | None = None


def log(session: Session, decisions: Sequence[NewDecision], now: datetime) -> None:
    """Append to the log."""
    for batch in chunks(decisions):
        # Through the connection it is one statement for all rows, whichever of them have empty columns.
        session.connection().execute(insert(Decision), [_row(decision, now) for decision in batch])


def _row(decision: NewDecision, now: datetime) -> dict[str, object]:
    return {
        "at": now,
        "lead_id": decision.lead_id,
        "enrollment_id": decision.enrollment_id,
        "campaign": decision.campaign,
        "step": decision.step,
        "message_id": decision.message_id,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "sentence": decision.sentence,
        "values_seen": dict(decision.values_seen),
        "next_at": decision.next_at,
    }


def logged(
    session: Session, outcome: str, campaigns: Sequence[str], lead_ids: Iterable[int]
) -> set[tuple[str, int, str]]:
    """Which (campaign, lead, reason) the log has with this outcome, so that it need not be said again."""
    found: set[tuple[str, int, str]] = set()
    for ids in chunks(lead_ids):
        rows = session.execute(
            select(Decision.campaign, Decision.lead_id, Decision.reason)
            .where(Decision.lead_id.in_(ids), Decision.outcome == outcome, Decision.campaign.in_(campaigns))
            .distinct()
        )
        found.update((str(campaign), lead_id, reason) for campaign, lead_id, reason in rows)
    return found
