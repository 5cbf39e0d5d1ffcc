"""The alarm clock of one process: a handful of fixed jobs, each writing a heartbeat."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from nurture.logs import logger
from nurture.services.runtime import Runtime
from nurture.store.beats import beat, give_lease_back, take_lease
from nurture.worker import tasks
from nurture.worker.tasks import Stopping

log = logger(__name__)

CONTROL = "control"
LEASE = timedelta(seconds=15)
RENEW_AFTER_SECONDS = 4.0
"""How long the lead is taken for granted, so that an idle house does not write every second."""

QUIET_SECONDS = 5.0
"""How seldom a job that finds nothing to do beats; well within what counts as late."""

CLOCK_JUMP = timedelta(seconds=60)
MAX_ERROR = 500


@dataclass(frozen=True, slots=True)
class Job:
    """A fixed job: its name, what it does, how often, and whether only the leader runs it."""

    name: str
    run: Callable[[Runtime, Stopping], int]
    every: timedelta
    leader_only: bool = False


JOBS = (
    Job("process", tasks.process, timedelta(seconds=1)),
    Job("plan", tasks.plan, timedelta(seconds=1), leader_only=True),
    Job("deliver", tasks.deliver, timedelta(seconds=0.5)),
    Job("sweep", tasks.sweep, timedelta(seconds=5), leader_only=True),
    Job("reconcile", tasks.reconcile, timedelta(seconds=30), leader_only=True),
    Job("catch_up", tasks.catch_up, timedelta(hours=1), leader_only=True),
    Job("roll_up", tasks.roll_up, timedelta(seconds=60), leader_only=True),
)
"""In the order in which one feeds the next."""


@dataclass(slots=True)
class ClockGuard:
    """Notices a wall clock that jumps: it and the steady clock must advance alike.

    After a jump of more than a minute planning pauses for one turn and the log says so, so that a wrong
    clock set right again costs nothing.
    """

    wall: datetime
    steady: float = field(default_factory=time.monotonic)

    def jumped(self, wall: datetime, steady: float) -> timedelta | None:
        """How far the wall clock jumped since the last look, if it did; `steady` counts in seconds."""
        drift = (wall - self.wall) - timedelta(seconds=steady - self.steady)
        self.wall, self.steady = wall, steady
        return drift if abs(drift) > CLOCK_JUMP else None


class Worker:
    """The scheduler of a process. It holds threads, so it is started once and closed."""

    def __init__(self, runtime: Runtime, jobs: Sequence[Job] = JOBS) -> None:
        self._runtime = runtime
        self._jobs = jobs
        self._holder = uuid.uuid4().hex
        self._closing = threading.Event()
        self._guard = ClockGuard(runtime.clock.now())
        self._leading_until = 0.0
        self._last_beats: dict[str, float] = {}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(jobs) + 1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(_report, EVENT_JOB_ERROR)

    def start(self) -> None:
        """Begin to call the jobs."""
        for job in self._jobs:
            self._scheduler.add_job(
                partial(self.turn, job),
                "interval",
                id=job.name,
                seconds=job.every.total_seconds(),
                next_run_time=datetime.now(UTC),
            )
        self._scheduler.start()

    def close(self) -> None:
        """Let running jobs end their portion, start no other, and hand the lead on."""
        self._closing.set()
        self._scheduler.shutdown(wait=True)
        with self._runtime.write() as session:
            give_lease_back(session, CONTROL, self._holder)

    def turn(self, job: Job) -> None:
        """Run a job once, whatever it raises, and write its heartbeat."""
        if job.leader_only and not self._leads():
            return
        if job.name == "plan" and self._clock_jumped():
            return
        started, error, done = time.monotonic(), None, 0
        try:
            done = job.run(self._runtime, self._closing.is_set)
        except Exception as failure:
            # A job that dies must not take the others with it; its heartbeat carries the error.
            error = f"{type(failure).__name__}: {failure}"[:MAX_ERROR]
            log.exception("job_failed", action=job.name)
        self._beat(job, done, started, error)

    def _beat(self, job: Job, done: int, started: float, error: str | None) -> None:
        # Idling costs few writes.
        now = time.monotonic()
        last = self._last_beats.get(job.name)
        if error is None and not done and last is not None and now - last < QUIET_SECONDS:
            return
        self._last_beats[job.name] = now
        with self._runtime.write() as session:
            beat(session, job.name, job.every, round(1000 * (now - started)), error)

    def _leads(self) -> bool:
        if time.monotonic() < self._leading_until:
            return True
        with self._runtime.write() as session:
            epoch = take_lease(session, CONTROL, self._holder, LEASE)
        self._leading_until = 0.0 if epoch is None else time.monotonic() + RENEW_AFTER_SECONDS
        return epoch is not None

    def _clock_jumped(self) -> bool:
        drift = self._guard.jumped(self._runtime.clock.now(), time.monotonic())
        if drift is not None:
            log.error("clock_jumped", action="plan", seconds=drift.total_seconds())
        return drift is not None


def work_once(runtime: Runtime) -> dict[str, int]:
    """Run every job once, in the order in which one feeds the next; returns how much each did."""
    return {job.name: job.run(runtime, tasks.going_on) for job in JOBS}


def _report(event: JobExecutionEvent) -> None:
    """What failed beside the job itself, such as its heartbeat while the database is away."""
    log.error("job_broke", action=event.job_id, error=str(event.exception))
