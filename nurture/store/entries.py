"""What entering campaigns keeps: leads to be looked at again, and entry conditions that hold already."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.timing.zones import LATEST
from nurture.store.base import chunks
from nurture.store.schema import Recheck, SegmentMember


def leads_to_recheck(session: Session, now: datetime, limit: int) -> tuple[int, ...]:
    """The leads whose time to be looked at has come, those that wait for longest first."""
    statement = select(Recheck.lead_id).where(Recheck.at <= now).order_by(Recheck.at).limit(limit)
    return tuple(session.scalars(statement))


def take_rechecks(session: Session, lead_ids: Collection[int], now: datetime) -> dict[int, int]:
    """Those of the leads that still are to be looked at, with the `rev` of their marks, locked.

    The caller holds the leads themselves.
    """
    rows = session.execute(
        select(Recheck.lead_id, Recheck.rev)
        .where(Recheck.lead_id.in_(sorted(lead_ids)), Recheck.at <= now)
        .order_by(Recheck.lead_id)
        .with_for_update()
    )
    return {lead_id: rev for lead_id, rev in rows}  # noqa: C416 - rows are no pairs to mypy.


def look_again_at(session: Session, revs: Mapping[int, int], moments: Mapping[int, datetime | None]) -> None:
    """When each of these leads is looked at next; a mark made since its `rev` was read stays as it is."""
    rows = [
        {"lead": lead_id, "seen": rev, "next": moments.get(lead_id) or LATEST}
        for lead_id, rev in sorted(revs.items())
    ]
    statement = (
        update(Recheck)
        .where(Recheck.lead_id == bindparam("lead"), Recheck.rev == bindparam("seen"))
        .values(at=bindparam("next"))
    )
    for batch in chunks(rows):
        session.connection().execute(statement, batch)


def _held(campaign: str) -> str:
    """The name under which it is kept who meets a campaign's entry condition; no segment can be called so."""
    return f"entry:{campaign}"


Holding = set[tuple[str, int]]
"""(campaign, lead) whose entry condition has been true since the lead entered by it."""


def holding(session: Session, campaigns: Iterable[str], lead_ids: Iterable[int]) -> Holding:
    """For whom the entry conditions of these campaigns have been true since they entered."""
    names = {_held(campaign): campaign for campaign in campaigns}
    found: Holding = set()
    for ids in chunks(lead_ids):
        rows = session.execute(
            select(SegmentMember.segment, SegmentMember.lead_id).where(
                and_(SegmentMember.segment.in_(list(names)), SegmentMember.lead_id.in_(ids))
            )
        )
        found.update((names[segment], lead_id) for segment, lead_id in rows)
    return found


def begin_holding(session: Session, pairs: Holding, now: datetime) -> None:
    """Note for whom an entry condition has come true."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for batch in chunks(sorted(pairs), 500):
        rows = [{"segment": _held(campaign), "lead_id": lead_id, "since": now} for campaign, lead_id in batch]
        session.connection().execute(upsert(SegmentMember).on_conflict_do_nothing(), rows)


def end_holding(session: Session, pairs: Holding) -> None:
    """Note for whom an entry condition is true no longer: it may come true anew."""
    for batch in chunks(sorted(pairs), 500):
        wanted = [(_held(campaign), lead_id) for campaign, lead_id in batch]
        session.execute(
            delete(SegmentMember)
            .where(tuple_(SegmentMember.segment, SegmentMember.lead_id).in_(wanted))
            .execution_options(synchronize_session=False)
        )
