"""A worker process that is killed or frozen: at a named point of the protocol, or from outside."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from nurture.clock import FixedClock
from nurture.config.smtp_url import Security, SmtpServer
from nurture.mail.smtp import SmtpMailer
from nurture.mail.smtp_session import Patience
from nurture.services.deliver import Pace, deliver
from nurture.services.runtime import Runtime
from nurture.services.sweep import Bounds, sweep
from nurture.services.tick import tick
from nurture.store.base import make_engine
from nurture.store.messages import counts_by_state
from nurture.store.schema import Message
from tests.support.post import PostOffice

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PACE = Pace(lease=timedelta(seconds=1), turn=timedelta(seconds=2), batch=50)
BOUNDS = Bounds(stale=timedelta(seconds=0.7))
"""Short, so that tests need not wait; both by the database's clock."""

IN_PLAN, AFTER_PLAN = "in plan", "after plan"
KILL, FREEZE = "kill", "freeze"
SIGNALS = {KILL: signal.SIGKILL, FREEZE: signal.SIGSTOP}

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Job:
    """What a worker is to do: on which database, to which server, and where it comes to grief."""

    url: str
    port: int
    var: str
    point: str = ""
    deed: str = KILL
    rounds: int = 1


def start(job: Job) -> ForkServerProcess:
    """Start a worker in a process group of its own."""
    process = _processes.Process(target=_work, args=(job,))
    process.start()
    return process


def runtime_for(job: Job) -> Runtime:
    """A runtime on the job's database with a mailer to its server."""
    engine = make_engine(job.url)
    office = PostOffice.again(engine, FixedClock(NOW), Path(job.var))
    patience = Patience(connect_seconds=5, command_seconds=5, final_seconds=5)
    return office.runtime(SmtpMailer(SmtpServer("127.0.0.1", job.port, Security.NONE), patience=patience))


def settle(job: Job, within_seconds: float = 30) -> None:
    """Be the worker that comes afterwards: plan, send and sweep until nothing is left to do."""
    runtime = runtime_for(job)
    until = time.monotonic() + within_seconds
    try:
        while _work_left(runtime):
            assert time.monotonic() < until, f"It never comes to rest: {_left(runtime)}"
            time.sleep(0.05)
    finally:
        runtime.mailer.close()
        runtime.engine.dispose()


def _work_left(runtime: Runtime) -> bool:
    done = tick(runtime, NOW, 100) + deliver(runtime, NOW, PACE).sent + sweep(runtime, NOW, BOUNDS)
    with runtime.read() as session:
        counts = counts_by_state(session)
    return bool(done or counts["pending"] + counts["claimed"] + counts["sending"])


def _left(runtime: Runtime) -> list[tuple[str, datetime, str | None]]:
    """What is still to do, for the words of a failure."""
    with runtime.read() as session:
        rows = session.execute(
            select(Message.state, Message.due_at, Message.error).where(Message.state != "sent")
        )
        return [(row.state, row.due_at, row.error) for row in rows][:20]


def frozen(pid: int) -> bool:
    """Whether a process is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextmanager
def running(job: Job) -> Iterator[ForkServerProcess]:
    """A worker that does not outlive the test."""
    process = start(job)
    try:
        yield process
    finally:
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
        process.join()


def _work(job: Job) -> None:
    os.setsid()
    runtime = runtime_for(job)

    def fault(point: str) -> None:
        if point == job.point:
            os.kill(os.getpid(), SIGNALS[job.deed])

    if job.point == IN_PLAN:
        event.listen(Session, "before_commit", lambda session: fault(IN_PLAN))
    tick(runtime, NOW, 100)
    fault(AFTER_PLAN)
    for _ in range(job.rounds):
        deliver(runtime, NOW, PACE, fault)
        sweep(runtime, NOW, BOUNDS)
    runtime.mailer.close()
    runtime.engine.dispose()
