"""Heartbeats and the lease of the control jobs, by the database's own clock."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from nurture.store.base import database_now, reading, writing
from nurture.store.beats import Beat, beat, beats, give_lease_back, take_lease
from nurture.store.schema import Heartbeat, Lease

SECOND = timedelta(seconds=1)


def heard(engine: Engine) -> dict[str, Beat]:
    with reading(engine) as session:
        return {one.job: one for one in beats(session)}


def age(engine: Engine, by: timedelta) -> None:
    """Make every beat and lease older."""
    with writing(engine) as session:
        now = database_now(session)
        session.execute(update(Heartbeat).values(at=now - by))
        session.execute(update(Lease).values(until=now - by))


def taken(engine: Engine, holder: str) -> int | None:
    with writing(engine) as session:
        return take_lease(session, "control", holder, 15 * SECOND)


def test_a_beat_is_kept_once_per_job_with_the_newest_outcome(engine: Engine) -> None:
    for error in ("boom", None):
        with writing(engine) as session:
            beat(session, "plan", SECOND, 12, error)
    with writing(engine) as session:
        beat(session, "deliver", SECOND / 2, 3, None)
    found = heard(engine)
    assert list(found) == ["deliver", "plan"]
    assert (found["plan"].took_ms, found["plan"].error, found["plan"].late) == (12, None, False)
    assert found["deliver"].every == SECOND


@pytest.mark.parametrize(
    ("every", "silent_for", "late"),
    [
        (SECOND, 14 * SECOND, False),
        (SECOND, 17 * SECOND, True),
        (60 * SECOND, 170 * SECOND, False),
        (60 * SECOND, 190 * SECOND, True),
    ],
)
def test_a_job_is_late_after_three_periods_and_never_before_a_quarter_minute(
    engine: Engine, every: timedelta, silent_for: timedelta, late: bool
) -> None:
    with writing(engine) as session:
        beat(session, "plan", every, 1, None)
    age(engine, silent_for)
    assert heard(engine)["plan"].late is late


def test_only_one_holds_the_lease_until_it_runs_out(engine: Engine) -> None:
    assert taken(engine, "first") == 1
    assert taken(engine, "second") is None
    assert taken(engine, "first") == 1
    age(engine, SECOND)
    assert taken(engine, "second") == 2
    assert taken(engine, "first") is None


def test_a_lease_that_is_given_back_is_free_at_once(engine: Engine) -> None:
    taken(engine, "first")
    with writing(engine) as session:
        give_lease_back(session, "control", "second")
    assert taken(engine, "second") is None
    with writing(engine) as session:
        give_lease_back(session, "control", "first")
    assert taken(engine, "second") == 2
