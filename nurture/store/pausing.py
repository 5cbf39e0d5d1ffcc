"""Enrollments of a campaign taken out of time, put back into it, and moved to another version."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.orm import Session

from nurture.domain.timing.zones import LATEST
from nurture.store.base import chunks
from nurture.store.enrollments import whole_seconds
from nurture.store.schema import Due, Enrollment

PORTION = 500
"""Enrollments changed by one transaction."""


def standing_at(session: Session, campaign_id: int, statuses: Collection[str]) -> dict[int, str | None]:
    """A portion of a campaign's enrollments that have one of these statuses, and where they stand, locked."""
    which = [Enrollment.campaign_id == campaign_id, Enrollment.status.in_(sorted(statuses))]
    ids = session.scalars(select(Enrollment.id).where(*which).order_by(Enrollment.id).limit(PORTION)).all()
    _hold(session, ids)
    rows = session.execute(select(Enrollment.id, Enrollment.position).where(Enrollment.id.in_(ids), *which))
    return {enrollment_id: position for enrollment_id, position in rows}  # noqa: C416 - no pairs to mypy.


def _hold(session: Session, enrollment_ids: Collection[int]) -> None:
    """Take hold of enrollments by their due rows, in the order in which a tick does: no deadlock."""
    ids = sorted(enrollment_ids)
    statement = select(Due.enrollment_id).where(Due.enrollment_id.in_(ids)).order_by(Due.enrollment_id)
    session.execute(statement.with_for_update()).all()


def freeze(session: Session, enrollment_ids: Collection[int], paused_at: datetime) -> None:
    """Take these active enrollments out of time: what is left of their waits at `paused_at` is kept."""
    for ids in chunks(sorted(enrollment_ids)):
        _hold(session, ids)
        rows = session.execute(
            select(Due.enrollment_id, Due.held_until)
            .join(Enrollment, Enrollment.id == Due.enrollment_id)
            .where(Due.enrollment_id.in_(ids), Enrollment.status == "active")
        ).all()
        if rows:
            _pause(session, [(key, _left(until, paused_at)) for key, until in rows])


def _left(held_until: datetime | None, paused_at: datetime) -> int | None:
    return None if held_until is None else whole_seconds(max(held_until - paused_at, timedelta(0)))


def _pause(session: Session, left: Sequence[tuple[int, int | None]]) -> None:
    # A wait that a conversation had frozen already keeps what was left of it then.
    kept = case(
        (Enrollment.frozen_wait_seconds.is_not(None), Enrollment.frozen_wait_seconds),
        else_=bindparam("left", type_=Enrollment.frozen_wait_seconds.type),
    )
    session.connection().execute(
        update(Enrollment)
        .where(Enrollment.id == bindparam("enrollment"))
        .values(status="paused", frozen_wait_seconds=kept),
        [{"enrollment": enrollment_id, "left": seconds} for enrollment_id, seconds in left],
    )
    session.execute(
        update(Due)
        .where(Due.enrollment_id.in_([enrollment_id for enrollment_id, _ in left]))
        .values(due_at=LATEST, rev=Due.rev + 1)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class Thaw:
    """How waits go on after a pause: what was left of them counts from `counted_from`.

    Where `skips`, the send behind a wait that ended before `now` is passed over.
    """

    counted_from: datetime
    now: datetime
    skips: bool


def thaw(session: Session, campaign_id: int, how: Thaw) -> tuple[int, ...]:
    """Put a portion of a campaign's paused enrollments back into time, due at once; gives their ids."""
    paused = standing_at(session, campaign_id, ["paused"])
    if not paused:
        return ()
    rows = session.execute(
        select(Enrollment.id, Enrollment.frozen_wait_seconds).where(Enrollment.id.in_(paused))
    )
    ends = {key: None if left is None else how.counted_from + timedelta(seconds=left) for key, left in rows}
    session.connection().execute(
        update(Enrollment)
        .where(Enrollment.id == bindparam("enrollment"))
        .values(status="active", frozen_wait_seconds=None, skips=bindparam("skip")),
        [
            {"enrollment": key, "skip": how.skips and end is not None and end <= how.now}
            for key, end in ends.items()
        ],
    )
    session.connection().execute(
        update(Due)
        .where(Due.enrollment_id == bindparam("enrollment"))
        .values(due_at=how.now, held_until=bindparam("end"), rev=Due.rev + 1),
        [{"enrollment": key, "end": end} for key, end in ends.items()],
    )
    return tuple(ends)


@dataclass(frozen=True, slots=True)
class Older:
    """An enrollment on another version than the one wanted."""

    enrollment_id: int
    position: str | None


def on_other_versions(session: Session, campaign_id: int, version_id: int, after: int) -> tuple[Older, ...]:
    """A portion of those under way on other versions, from behind the id `after`, locked."""
    which = [Enrollment.version_id != version_id, Enrollment.status.in_(("active", "paused"))]
    ids = session.scalars(
        select(Enrollment.id)
        .where(Enrollment.campaign_id == campaign_id, Enrollment.id > after, *which)
        .order_by(Enrollment.id)
        .limit(PORTION)
    ).all()
    _hold(session, ids)
    rows = session.execute(
        select(Enrollment.id, Enrollment.position)
        .where(Enrollment.id.in_(ids), *which)
        .order_by(Enrollment.id)
    )
    return tuple(Older(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class Transfer:
    """An enrollment about to change to another version; `stays` says that it keeps its place in its step."""

    enrollment_id: int
    position: str | None
    stays: bool


def transfer(session: Session, version_id: int, transfers: Sequence[Transfer], now: datetime) -> None:
    """Move enrollments to a version; whoever comes to another step by it is looked at at once."""
    staying = [one.enrollment_id for one in transfers if one.stays]
    going = [{"enrollment": one.enrollment_id, "step": one.position} for one in transfers if not one.stays]
    if staying:
        session.execute(
            update(Enrollment)
            .where(Enrollment.id.in_(staying))
            .values(version_id=version_id)
            .execution_options(synchronize_session=False)
        )
    if going:
        session.connection().execute(
            update(Enrollment)
            .where(Enrollment.id == bindparam("enrollment"))
            .values(
                version_id=version_id,
                position=bindparam("step"),
                since=now,
                occurrence=0,
                frozen_wait_seconds=None,
            ),
            going,
        )
    active = select(Enrollment.id).where(Enrollment.status == "active")
    session.execute(
        update(Due)
        .where(Due.enrollment_id.in_([one.enrollment_id for one in transfers]))
        .values(rev=Due.rev + 1)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Due)
        .where(Due.enrollment_id.in_([row["enrollment"] for row in going]), Due.enrollment_id.in_(active))
        .values(due_at=now, held_until=None)
        .execution_options(synchronize_session=False)
    )
