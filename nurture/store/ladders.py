"""Moves on the two ladders: appended to their ledger, and kept on the lead."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, update
from sqlalchemy.orm import Session

from nurture.domain.lifecycle.moves import LadderName, Move
from nurture.store.base import chunks
from nurture.store.schema import LadderChange, Lead


def record_moves(session: Session, moves: Sequence[Move], now: datetime) -> None:
    """Append moves to the ledger, in their order, and bring the leads in line."""
    for batch in chunks(moves):
        session.execute(insert(LadderChange), [_row(move, now) for move in batch])
    # Only the last move on each ladder stays on the lead.
    newest = {(move.ladder, move.lead_id): move for move in moves}
    for ladder in LadderName:
        _keep(session, ladder, [move for (name, _), move in sorted(newest.items()) if name is ladder])


def _row(move: Move, now: datetime) -> dict[str, object]:
    return {
        "lead_id": move.lead_id,
        "ladder": move.ladder.value,
        "from_": move.from_.value,
        "to": move.to.value,
        "at": move.at,
        "recorded_at": now,
        "rule": move.rule,
        "reason": move.reason,
        "actor": move.actor,
        "event_id": move.event_id,
        "pinned_until": move.pinned_until,
    }


def _keep(session: Session, ladder: LadderName, moves: Iterable[Move]) -> None:
    statement = (
        update(Lead)
        .where(Lead.id == bindparam("lead"))
        .values(
            {
                ladder.value: bindparam("rung"),
                f"{ladder}_since": bindparam("since"),
                f"{ladder}_pinned_until": bindparam("until"),
            }
        )
        .execution_options(synchronize_session=False)
    )
    rows = [
        {"lead": move.lead_id, "rung": move.to.value, "since": move.at, "until": move.pinned_until}
        for move in moves
    ]
    for batch in chunks(rows):
        session.connection().execute(statement, batch)
