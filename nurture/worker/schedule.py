"""The alarm clock of one process: a handful of fixed jobs, each writing a heartbeat."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from nurture.services.runtime import Runtime
from nurture.store.beats import beat, give_lease_back, take_lease
from nurture.worker import tasks

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=15)
CLOCK_JUMP = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Job:
    """A fixed job: its name, what it does, how often, and whether only the leader runs it."""

    name: str
    run: Callable[[Runtime], int]
    every: timedelta
    leader_only: bool = False


JOBS = (
    Job("plan", tasks.plan, timedelta(seconds=1), leader_only=True),
    Job("deliver", tasks.deliver, timedelta(seconds=0.5)),
    Job("process", tasks.process, timedelta(seconds=1)),
    Job("sweep", tasks.sweep, timedelta(seconds=5), leader_only=True),
    Job("reconcile", tasks.reconcile, timedelta(seconds=30), leader_only=True),
)


@dataclass(slots=True)
class ClockGuard:
    """Notices a wall clock that jumps: it and the monotonic clock must advance alike.

    After a jump of more than a minute planning pauses for one turn and the log says so, so that a wrong
    clock set right again costs nothing.
    """

    wall: datetime
    steady: float = field(default_factory=time.monotonic)

    def jumped(self, wall: datetime) -> timedelta | None:
        """How far the wall clock jumped since the last look, if it did."""
        steady = time.monotonic()
        drift = (wall - self.wall) - timedelta(seconds=steady - self.steady)
        self.wall, self.steady = wall, steady
        return drift if abs(drift) > CLOCK_JUMP else None


class Worker:
    """The scheduler of a process. It holds threads, so it is started once and closed."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._holder = uuid.uuid4().hex
        self._guard = ClockGuard(runtime.clock.now())
        self._quiet_beats: dict[str, float] = {}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(JOBS) + 1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(_report, EVENT_JOB_ERROR | EVENT_JOB_MISSED)

    def start(self) -> None:
        """Begin to call the jobs."""
        for job in JOBS:
            self._scheduler.add_job(
                partial(self.turn, job),
                "interval",
                id=job.name,
                seconds=job.every.total_seconds(),
                next_run_time=datetime.now(UTC),
            )
        self._scheduler.start()

    def close(self) -> None:
        """Let running jobs end, start no other, and hand the lead on."""
        self._scheduler.shutdown(wait=True)
        with self._runtime.write() as session:
            give_lease_back(session, "control", self._holder)

    def turn(self, job: Job) -> None:
        """Run a job once, whatever it raises, and write its heartbeat."""
        if job.leader_only and not self._leads():
            return
        if job.name == "plan" and self._clock_jumped():
            return
        started, error, done = time.monotonic(), None, 0
        try:
            done = job.run(self._runtime)
        except Exception as failure:
            # A job that dies must not take the others with it; its heartbeat carries the error.
            error = f"{type(failure).__name__}: {failure}"
            log.exception("job failed", action=job.name)
        self._beat(job, done, started, error)

    def _beat(self, job: Job, done: int, started: float, error: str | None) -> None:
        # A job that found nothing to do beats at most once a second, so that idling costs no writes.
        now = time.monotonic()
        if error is None and not done and now - self._quiet_beats.get(job.name, -9.0) < 1.0:
            return
        self._quiet_beats[job.name] = now
        with self._runtime.write() as session:
            beat(session, job.name, job.every, round(1000 * (now - started)), error)

    def _leads(self) -> bool:
        with self._runtime.write() as session:
            return take_lease(session, "control", self._holder, LEASE) is not None

    def _clock_jumped(self) -> bool:
        drift = self._guard.jumped(self._runtime.clock.now())
        if drift is not None:
            log.error("the clock jumped; planning pauses", action="plan", seconds=drift.total_seconds())
        return drift is not None


def work_once(runtime: Runtime) -> dict[str, int]:
    """Run every job once, in the order in which one feeds the next; returns how much each did."""
    by_name = {job.name: job for job in JOBS}
    order = ("process", "plan", "deliver", "sweep", "reconcile")
    return {name: by_name[name].run(runtime) for name in order}


def _report(event: JobExecutionEvent) -> None:
    log.error("a job was missed or failed", action=event.job_id, error=str(event.exception))
