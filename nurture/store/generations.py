"""Generations of scoring rules: exactly one is active, at most one is on its way beside it."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.definition.scoring import Scoring
from nurture.store.schema import Generation, Lead, ScoreEntry, ScoreRow

UNFINISHED = ("building", "built")


def first(session: Session, scoring: Scoring, now: datetime) -> None:
    """Make generation 1, active at once; whoever comes second changes nothing."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = {**_row(scoring, now), "id": 1, "status": "active", "activated_at": now}
    session.execute(upsert(Generation).values(row).on_conflict_do_nothing())


def begin(session: Session, scoring: Scoring, now: datetime) -> int:
    """Make the next generation, to be built."""
    number = (session.scalar(select(func.max(Generation.id))) or 0) + 1
    session.execute(insert(Generation).values({**_row(scoring, now), "id": number, "status": "building"}))
    return number


def _row(scoring: Scoring, now: datetime) -> dict[str, object]:
    return {
        "rules": scoring.model_dump(mode="json", by_alias=True, exclude_none=True),
        "half_life_seconds": int(scoring.half_life_exact.total_seconds()),
        "created_at": now,
        "built_to_lead": 0,
    }


def give_up_unfinished(session: Session) -> tuple[int, ...]:
    """Give up whatever is being built; returns the numbers, whose ledgers may then be forgotten."""
    given_up = update(Generation).where(Generation.status.in_(UNFINISHED)).values(status="given up")
    return tuple(session.scalars(given_up.returning(Generation.id)))


def forget(session: Session, number: int, limit: int) -> int:
    """Delete entries and scores of a generation that was given up, at most `limit` each; returns how many."""
    entries = select(ScoreEntry.id).where(ScoreEntry.generation == number).limit(limit)
    leads = select(ScoreRow.lead_id).where(ScoreRow.generation == number).limit(limit)
    gone = session.execute(delete(ScoreEntry).where(ScoreEntry.id.in_(entries)))
    pairs = session.execute(
        delete(ScoreRow).where(ScoreRow.generation == number, ScoreRow.lead_id.in_(leads))
    )
    return int(gone.rowcount + pairs.rowcount)  # type: ignore[attr-defined] # Both are CursorResults.


def is_empty(session: Session, number: int) -> bool:
    """Whether nothing was scored by a generation yet."""
    return session.scalar(select(ScoreEntry.id).where(ScoreEntry.generation == number).limit(1)) is None


def claim_build(session: Session) -> tuple[int, int] | None:
    """The generation that is being built and the last lead it reached, held until the transaction ends."""
    row = session.execute(
        select(Generation.id, Generation.built_to_lead)
        .where(Generation.status == "building")
        .with_for_update(skip_locked=True)
    ).first()
    return None if row is None else (row.id, row.built_to_lead)


def leads_after(session: Session, lead_id: int, limit: int) -> tuple[int, ...]:
    """The next leads by id."""
    return tuple(session.scalars(select(Lead.id).where(Lead.id > lead_id).order_by(Lead.id).limit(limit)))


def built_to(session: Session, number: int, lead_id: int) -> None:
    """Note how far a generation is built."""
    session.execute(update(Generation).where(Generation.id == number).values(built_to_lead=lead_id))


def built(session: Session, number: int) -> None:
    """Note that a generation holds every lead."""
    session.execute(update(Generation).where(Generation.id == number).values(status="built"))


def ready(session: Session) -> int | None:
    """The generation that is built and may be switched to."""
    return session.scalar(select(Generation.id).where(Generation.status == "built"))


def switch(session: Session, number: int, now: datetime) -> None:
    """Let this generation count from now on, and the one before no more."""
    session.execute(update(Generation).where(Generation.status == "active").values(status="retired"))
    session.execute(
        update(Generation).where(Generation.id == number).values(status="active", activated_at=now)
    )


def count_at_least(session: Session, number: int, heat: float) -> int:
    """How many leads are at least that warm in a generation."""
    warm = select(func.count()).select_from(ScoreRow).join(Lead, Lead.id == ScoreRow.lead_id)
    return (
        session.scalar(
            warm.where(ScoreRow.generation == number, ScoreRow.heat >= heat, Lead.erased_at.is_(None))
        )
        or 0
    )


def count_leads(session: Session) -> int:
    """How many leads there are."""
    return session.scalar(select(func.count()).select_from(Lead).where(Lead.erased_at.is_(None))) or 0
