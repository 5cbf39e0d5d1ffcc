"""The alarm clock: heartbeats, one leader, a clock that must not jump, jobs that stop nobody else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.services.runtime import Runtime
from nurture.store.beats import Beat, beats
from nurture.worker.schedule import JOBS, ClockGuard, Job, Worker, work_once
from nurture.worker.tasks import Stopping
from tests.support.runtimes import runtime_on, settings_for

SOON = 20.0
"""Seconds that a machine under load may take; nothing here waits that long when it works."""

OFTEN = timedelta(seconds=0.05)
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def runtime(engine: Engine, clock: FixedClock, tmp_path: Path) -> Runtime:
    return runtime_on(engine, clock, settings_for(tmp_path))


class Recorded:
    """A job's work that counts its calls and can be waited for."""

    def __init__(self, *, done: int = 1, fault: Exception | None = None) -> None:
        self.calls = 0
        self.reached = threading.Event()
        self._done, self._fault = done, fault

    def __call__(self, runtime: Runtime, stopping: Stopping) -> int:
        self.calls += 1
        if self.calls >= 3:
            self.reached.set()
        if self._fault is not None:
            raise self._fault
        return self._done


@contextmanager
def running(runtime: Runtime, *jobs: Job) -> Iterator[Worker]:
    worker = Worker(runtime, jobs)
    worker.start()
    try:
        yield worker
    finally:
        worker.close()


def heard(runtime: Runtime) -> dict[str, Beat]:
    with runtime.read() as session:
        return {beat.job: beat for beat in beats(session)}


# --- one turn ------------------------------------------------------------------------------------


def test_a_turn_writes_a_heartbeat(runtime: Runtime) -> None:
    Worker(runtime).turn(Job("deliver", Recorded(), timedelta(seconds=1)))
    beat = heard(runtime)["deliver"]
    assert (beat.error, beat.late, beat.every) == (None, False, timedelta(seconds=1))


def test_a_failing_turn_says_so_in_its_heartbeat(runtime: Runtime) -> None:
    worker = Worker(runtime)
    worker.turn(Job("deliver", Recorded(fault=RuntimeError("boom " * 500)), timedelta(seconds=1)))
    error = heard(runtime)["deliver"].error
    assert error is not None
    assert error.startswith("RuntimeError: boom")
    assert len(error) <= 500
    worker.turn(Job("deliver", Recorded(), timedelta(seconds=1)))
    assert heard(runtime)["deliver"].error is None


def test_idling_costs_few_writes(runtime: Runtime) -> None:
    worker = Worker(runtime)
    idle = Job("process", Recorded(done=0), timedelta(seconds=1))
    worker.turn(idle)
    first = heard(runtime)["process"].at
    worker.turn(idle)
    assert heard(runtime)["process"].at == first
    worker.turn(Job("process", Recorded(done=1), timedelta(seconds=1)))
    assert heard(runtime)["process"].at > first


def test_of_two_workers_one_leads_until_it_ends(runtime: Runtime) -> None:
    first, second = Worker(runtime, ()), Worker(runtime, ())
    work = Recorded()
    control = Job("sweep", work, timedelta(seconds=1), leader_only=True)
    first.start()
    first.turn(control)
    second.turn(control)
    assert work.calls == 1
    second.turn(Job("deliver", work, timedelta(seconds=1)))
    assert work.calls == 2
    first.close()
    second.turn(control)
    assert work.calls == 3


def test_planning_pauses_for_one_turn_after_the_clock_jumped(runtime: Runtime, clock: FixedClock) -> None:
    worker = Worker(runtime)
    work = Recorded()
    plan = Job("plan", work, timedelta(seconds=1))
    worker.turn(plan)
    clock.advance(timedelta(hours=2))
    worker.turn(plan)
    assert work.calls == 1
    worker.turn(plan)
    assert work.calls == 2


@pytest.mark.parametrize(
    ("wall", "steady", "drift"),
    [
        (timedelta(seconds=5), 5.0, None),
        (timedelta(seconds=65), 5.0, None),
        (timedelta(seconds=66), 5.0, timedelta(seconds=61)),
        (timedelta(seconds=-56), 5.0, timedelta(seconds=-61)),
        (timedelta(hours=8), 8 * 3600.0, None),
    ],
)
def test_wall_clock_and_steady_clock_advance_alike(
    wall: timedelta, steady: float, drift: timedelta | None
) -> None:
    guard = ClockGuard(NOW, 100.0)
    assert guard.jumped(NOW + wall, 100.0 + steady) == drift
    assert guard.jumped(NOW + wall, 100.0 + steady) is None


# --- the scheduler -------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_failing_job_stops_neither_itself_nor_others(runtime: Runtime) -> None:
    broken, sound = Recorded(fault=RuntimeError("boom")), Recorded()
    with running(runtime, Job("process", broken, OFTEN), Job("deliver", sound, OFTEN)):
        assert broken.reached.wait(SOON)
        assert sound.reached.wait(SOON)
    assert heard(runtime)["process"].error == "RuntimeError: boom"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_closing_tells_running_jobs_and_waits_for_them(runtime: Runtime) -> None:
    begun, ended = threading.Event(), threading.Event()

    def until_told(_runtime: Runtime, stopping: Stopping) -> int:
        begun.set()
        waits = threading.Event()
        while not stopping():
            waits.wait(0.01)
        ended.set()
        return 1

    with running(runtime, Job("deliver", until_told, OFTEN)):
        assert begun.wait(SOON)
        assert not ended.is_set()
    assert ended.is_set()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_job_never_runs_twice_at_a_time(runtime: Runtime) -> None:
    calls, at_once, most = 0, 0, 0
    seen = threading.Event()

    def slow(_runtime: Runtime, _stopping: Stopping) -> int:
        nonlocal calls, at_once, most
        calls, at_once = calls + 1, at_once + 1
        most = max(most, at_once)
        threading.Event().wait(0.12)
        at_once -= 1
        if calls >= 3:
            seen.set()
        return 1

    with running(runtime, Job("deliver", slow, OFTEN)):
        assert seen.wait(SOON)
    assert most == 1


def test_every_job_once_says_what_each_did(runtime: Runtime) -> None:
    done = work_once(runtime)
    assert list(done) == [job.name for job in JOBS]
    assert list(done)[:3] == ["process", "plan", "deliver"]
    assert {number for name, number in done.items() if name != "roll_up"} == {0}


def test_names_of_jobs_are_unique_and_control_jobs_have_one_leader() -> None:
    names = [job.name for job in JOBS]
    assert len(set(names)) == len(names)
    assert {job.name for job in JOBS if not job.leader_only} == {"process", "deliver"}
