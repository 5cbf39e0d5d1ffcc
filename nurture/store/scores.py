"""The ledger of scores, the pair that each comes down to, and fit."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.scoring.entries import Entry
from nurture.domain.scoring.fit import Fit
from nurture.domain.values import Grade, Score
from nurture.store.base import chunks
from nurture.store.schema import Lead, ScoreEntry, ScoreRow

Ledgers = Mapping[tuple[int, int], tuple[Entry, ...]]
"""The entries by generation and lead."""


def ledgers(session: Session, generations: Collection[int], lead_ids: Collection[int]) -> Ledgers:
    """All entries of these leads, in the order in which they were written."""
    columns = (
        ScoreEntry.generation,
        ScoreEntry.lead_id,
        ScoreEntry.rule,
        ScoreEntry.dedupe_key,
        ScoreEntry.seq,
        ScoreEntry.raw,
        ScoreEntry.cut,
        ScoreEntry.effective_at,
        ScoreEntry.event_id,
        ScoreEntry.reverses,
        ScoreEntry.note,
        ScoreEntry.id,
    )
    statement = (
        select(*columns)
        .where(ScoreEntry.lead_id.in_(lead_ids), ScoreEntry.generation.in_(generations))
        .order_by(ScoreEntry.id)
    )
    found: defaultdict[tuple[int, int], list[Entry]] = defaultdict(list)
    for generation, lead_id, *entry in session.execute(statement):
        found[generation, lead_id].append(Entry(*entry))
    return {key: tuple(entries) for key, entries in found.items()}


def append(session: Session, changes: Ledgers, now: datetime) -> None:
    """Write new entries."""
    rows = [
        {
            "generation": generation,
            "lead_id": lead_id,
            "rule": entry.rule,
            "dedupe_key": entry.dedupe_key,
            "seq": entry.seq,
            "event_id": entry.event_id,
            "reverses": entry.reverses,
            "raw": entry.raw,
            "cut": entry.cut,
            "net": entry.net,
            "note": entry.note,
            "effective_at": entry.effective_at,
            "recorded_at": now,
        }
        for (generation, lead_id), entries in changes.items()
        for entry in entries
    ]
    for batch in chunks(rows):
        session.connection().execute(insert(ScoreEntry), batch)


def write_scores(
    session: Session, generation: int, scores: Mapping[int, Score], half_life: timedelta
) -> None:
    """Keep the pair that each lead's ledger comes down to."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = upsert(ScoreRow)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=[ScoreRow.generation, ScoreRow.lead_id],
        set_={"value": new.value, "as_of": new.as_of, "heat": new.heat},
    )
    rows = [
        {
            "generation": generation,
            "lead_id": lead_id,
            "value": score.value,
            "as_of": score.as_of,
            "heat": score.heat(half_life),
        }
        for lead_id, score in sorted(scores.items())
    ]
    for batch in chunks(rows):
        session.connection().execute(statement, batch)


def fits(session: Session, lead_ids: Collection[int]) -> dict[int, Fit]:
    """Fit as it is kept on the leads."""
    rows = session.execute(
        select(Lead.id, Lead.fit_points, Lead.fit_coverage, Lead.fit).where(Lead.id.in_(lead_ids))
    )
    return {lead_id: Fit(points, coverage, Grade(grade)) for lead_id, points, coverage, grade in rows}


def write_fits(session: Session, changed: Mapping[int, Fit]) -> None:
    """Keep the fit of these leads."""
    statement = (
        update(Lead)
        .where(Lead.id == bindparam("lead"))
        .values(fit=bindparam("grade"), fit_points=bindparam("points"), fit_coverage=bindparam("coverage"))
        .execution_options(synchronize_session=False)
    )
    rows = [
        {"lead": lead_id, "grade": fit.grade.value, "points": fit.points, "coverage": fit.coverage}
        for lead_id, fit in sorted(changed.items())
    ]
    for batch in chunks(rows):
        session.connection().execute(statement, batch)
