"""Enrollments: who is due, who stands where, and moving many of them with one statement."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, case, delete, exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.decide.values import Passage
from nurture.domain.entry import Passed
from nurture.store.base import chunks
from nurture.store.schema import Campaign, Due, Enrollment


@dataclass(frozen=True, slots=True)
class Seen:
    """A due row as it was read: whoever writes later makes sure that `rev` is still the same."""

    lead_id: int
    rev: int


@dataclass(frozen=True, slots=True)
class DuePassage:
    """A passage whose time has come, with the status of its campaign."""

    passage: Passage
    campaign_id: int
    campaign_status: str


def due_leads(session: Session, now: datetime, limit: int) -> tuple[int, ...]:
    """The leads of the enrollments that have been due for longest, at most `limit` of them."""
    statement = select(Due.lead_id).where(Due.due_at <= now).order_by(Due.due_at).limit(limit)
    return tuple(dict.fromkeys(session.scalars(statement)))


def seen(session: Session, lead_ids: Iterable[int]) -> dict[int, Seen]:
    """All due rows of these leads by enrollment, also those that are not due yet."""
    found: dict[int, Seen] = {}
    for ids in chunks(lead_ids):
        rows = session.execute(select(Due.enrollment_id, Due.lead_id, Due.rev).where(Due.lead_id.in_(ids)))
        found.update({enrollment_id: Seen(lead_id, rev) for enrollment_id, lead_id, rev in rows})
    return found


def claim_unchanged(session: Session, before: Mapping[int, Seen]) -> set[int]:
    """The leads of `before` of whose enrollments nothing has changed since, locked until the commit.

    A lead that another worker is writing at this moment is left out.
    """
    lead_ids = {row.lead_id for row in before.values()}
    found: dict[int, Seen] = {}
    for ids in chunks(sorted(lead_ids)):
        statement = (
            select(Due.enrollment_id, Due.lead_id, Due.rev)
            .where(Due.lead_id.in_(ids))
            .order_by(Due.enrollment_id)
            .with_for_update(skip_locked=True)
        )
        rows = session.execute(statement)
        found.update({enrollment_id: Seen(lead_id, rev) for enrollment_id, lead_id, rev in rows})
    changed = {row.lead_id for row in dict(before.items() ^ found.items()).values()}
    return lead_ids - changed


def passages_due(session: Session, lead_ids: Iterable[int], now: datetime) -> list[DuePassage]:
    """Everything of these leads that is due at `now`."""
    found: list[DuePassage] = []
    for ids in chunks(lead_ids):
        rows = session.execute(
            select(Enrollment, Campaign.slug, Campaign.status, Due.held_until)
            .join(Due, Due.enrollment_id == Enrollment.id)
            .join(Campaign, Campaign.id == Enrollment.campaign_id)
            .where(Due.lead_id.in_(ids), Due.due_at <= now)
            .order_by(Enrollment.id)
        )
        for row, slug, status, held_until in rows:
            found.append(DuePassage(passage_of(row, slug, held_until), row.campaign_id, status))
    return found


def passage_of(row: Enrollment, campaign: str, held_until: datetime | None) -> Passage:
    """An enrollment as decisions see it."""
    frozen = row.frozen_wait_seconds
    return Passage(
        id=row.id,
        lead_id=row.lead_id,
        campaign=campaign,
        version_id=row.version_id,
        position=row.position,
        since=row.since,
        occurrence=row.occurrence,
        entered_at=row.entered_at,
        goal_at=row.goal_at,
        held_until=held_until,
        frozen=None if frozen is None else timedelta(seconds=frozen),
        skips=row.skips,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an active enrollment stands from now on, and when it is looked at next."""

    enrollment_id: int
    position: str | None
    since: datetime
    occurrence: int
    due_at: datetime
    held_until: datetime | None
    frozen: timedelta | None
    skips: bool


def stand(session: Session, standings: Sequence[Standing]) -> None:
    """Write where these enrollments stand; the caller has made sure that nobody else moved them."""
    for batch in chunks(standings):
        session.connection().execute(
            update(Enrollment).where(Enrollment.id == bindparam("enrollment")),
            [
                {
                    "enrollment": standing.enrollment_id,
                    "position": standing.position,
                    "since": standing.since,
                    "occurrence": standing.occurrence,
                    "frozen_wait_seconds": whole_seconds(standing.frozen),
                    "skips": standing.skips,
                }
                for standing in batch
            ],
        )
        session.connection().execute(
            update(Due).where(Due.enrollment_id == bindparam("enrollment")).values(rev=Due.rev + 1),
            [
                {
                    "enrollment": standing.enrollment_id,
                    "due_at": standing.due_at,
                    "held_until": standing.held_until,
                }
                for standing in batch
            ],
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How an enrollment ended."""

    enrollment_id: int
    status: str
    reason: str
    position: str | None = None


def end(session: Session, endings: Sequence[Ending], now: datetime) -> None:
    """End these enrollments; their due rows go."""
    for batch in chunks(endings):
        session.connection().execute(
            update(Enrollment).where(Enrollment.id == bindparam("enrollment")),
            [
                {
                    "enrollment": ending.enrollment_id,
                    "status": ending.status,
                    "reason": ending.reason,
                    "position": ending.position,
                    "ended_at": now,
                    "frozen_wait_seconds": None,
                    "skips": False,
                }
                for ending in batch
            ],
        )
        ids = [ending.enrollment_id for ending in batch]
        session.execute(delete(Due).where(Due.enrollment_id.in_(ids)))


def without_goal(session: Session, lead_ids: Iterable[int]) -> list[Passage]:
    """The passages of these leads that are over or were held out, and have not reached their goal."""
    found: list[Passage] = []
    for ids in chunks(sorted(set(lead_ids))):
        rows = session.execute(
            select(Enrollment, Campaign.slug)
            .join(Campaign, Campaign.id == Enrollment.campaign_id)
            .where(
                Enrollment.lead_id.in_(ids), Enrollment.goal_at.is_(None), Enrollment.ended_at.is_not(None)
            )
            .order_by(Enrollment.id)
        )
        found += [passage_of(row, slug, None) for row, slug in rows]
    return found


def reach_goals(session: Session, reached: Mapping[int, datetime]) -> None:
    """Note when these enrollments reached their goal; the first time counts."""
    rows = [{"enrollment": enrollment_id, "at": at} for enrollment_id, at in sorted(reached.items())]
    if rows:
        session.connection().execute(
            update(Enrollment)
            .where(Enrollment.id == bindparam("enrollment"), Enrollment.goal_at.is_(None))
            .values(goal_at=bindparam("at")),
            rows,
        )


@dataclass(frozen=True, slots=True)
class Underway:
    """An active enrollment, its lead and the version that it runs."""

    enrollment_id: int
    lead_id: int
    version_id: int


def underway(session: Session, lead_ids: Iterable[int]) -> list[Underway]:
    """The active enrollments of these leads."""
    found: list[Underway] = []
    for ids in chunks(sorted(set(lead_ids))):
        rows = session.execute(
            select(Enrollment.id, Enrollment.lead_id, Enrollment.version_id).where(
                Enrollment.lead_id.in_(ids), Enrollment.status == "active"
            )
        )
        found.extend(Underway(*row) for row in rows)
    return found


def wake(session: Session, enrollment_ids: Iterable[int], now: datetime) -> None:
    """Have these enrollments looked at at once, as far as they are active; their waits stay as they are."""
    for ids in chunks(sorted(set(enrollment_ids))):
        _wake(session, Due.enrollment_id.in_(ids), now)


def wake_leads(session: Session, lead_ids: Iterable[int], now: datetime) -> None:
    """Have all active enrollments of these leads looked at at once; their waits stay as they are."""
    for ids in chunks(sorted(set(lead_ids))):
        _wake(session, Due.lead_id.in_(ids), now)


def _wake(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    active = exists().where(Enrollment.id == Due.enrollment_id, Enrollment.status == "active")
    session.execute(
        update(Due)
        .where(which, active)
        .values(due_at=case((Due.due_at < now, Due.due_at), else_=now), rev=Due.rev + 1)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class NewEnrollment:
    """A lead about to enter; `cause` says why and keeps it from entering twice for the same reason."""

    campaign_id: int
    version_id: int
    lead_id: int
    cause: str
    held_out: bool = False


def enter(session: Session, new: Sequence[NewEnrollment], now: datetime) -> dict[tuple[int, int], int]:
    """Insert those that are not known yet; gives the ids of the inserted by (campaign, lead).

    Active ones are due at once.
    """
    entered: dict[tuple[int, int], int] = {}
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = (
        upsert(Enrollment)
        .on_conflict_do_nothing(index_elements=[Enrollment.campaign_id, Enrollment.lead_id, Enrollment.cause])
        .returning(Enrollment.id, Enrollment.campaign_id, Enrollment.lead_id, Enrollment.status)
    )
    for batch in chunks(new, 500):
        rows = session.connection().execute(statement, [_row(enrollment, now) for enrollment in batch]).all()
        entered.update({(campaign_id, lead_id): key for key, campaign_id, lead_id, _ in rows})
        due = [
            {"enrollment_id": key, "lead_id": lead_id, "due_at": now, "rev": 0, "held_until": None}
            for key, _, lead_id, status in rows
            if status == "active"
        ]
        if due:
            session.connection().execute(insert(Due), due)
    return entered


def _row(enrollment: NewEnrollment, now: datetime) -> dict[str, object]:
    return {
        "campaign_id": enrollment.campaign_id,
        "version_id": enrollment.version_id,
        "lead_id": enrollment.lead_id,
        "cause": enrollment.cause,
        "status": "holdout" if enrollment.held_out else "active",
        "since": now,
        "entered_at": now,
        "ended_at": now if enrollment.held_out else None,
        "occurrence": 0,
        "skips": False,
    }


def passed(
    session: Session, campaign_ids: Sequence[int], lead_ids: Iterable[int]
) -> dict[tuple[int, int], tuple[Passed, ...]]:
    """What these leads have had of these campaigns, by (campaign, lead), oldest first."""
    found: dict[tuple[int, int], list[Passed]] = defaultdict(list)
    for ids in chunks(lead_ids):
        rows = session.execute(
            select(Enrollment)
            .where(Enrollment.lead_id.in_(ids), Enrollment.campaign_id.in_(campaign_ids))
            .order_by(Enrollment.entered_at, Enrollment.id)
        )
        for row in rows.scalars():
            entry = Passed(row.cause, row.status, row.entered_at, row.ended_at)
            found[row.campaign_id, row.lead_id].append(entry)
    return {key: tuple(entries) for key, entries in found.items()}


def whole_seconds(length: timedelta | None) -> int | None:
    """A length of time in seconds, rounded up."""
    return None if length is None else -(-length // timedelta(seconds=1))
