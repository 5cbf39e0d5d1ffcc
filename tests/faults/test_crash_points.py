"""Every point of the protocol at which a worker can die or freeze: never twice, never silently lost."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.services.doctor import diagnose
from tests.faults.worker import AFTER_PLAN, FREEZE, IN_PLAN, KILL, NOW, SIGNALS, Job, frozen, running, settle
from tests.support.post import PostOffice, Recorder
from tests.support.smtp import Behaviour, MailServer

pytestmark = pytest.mark.faults

DURING = "during the call"

AFTER_KILL = {
    IN_PLAN: ("sent", 1),
    AFTER_PLAN: ("sent", 1),
    "claimed": ("sent", 1),
    "intent": ("unconfirmed", 0),
    DURING: ("unconfirmed", 1),
    "accepted": ("unconfirmed", 1),
    "recorded": ("sent", 1),
}
"""Where a message ends, and how often it was accepted, when its worker died at this point."""

AFTER_FREEZE = {"claimed": ("sent", 1), "intent": ("sent", 1), DURING: ("sent", 1), "accepted": ("sent", 1)}
"""The same when the worker slept longer than its lease while another one worked, and then went on."""


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> PostOffice:
    office = PostOffice.open(engine, FixedClock(NOW), tmp_path)
    office.enroll()
    return office


@pytest.mark.parametrize("point", AFTER_KILL)
def test_a_worker_that_dies_loses_nothing_and_repeats_nothing(
    office: PostOffice, engine: Engine, tmp_path: Path, point: str
) -> None:
    with MailServer() as server:
        job = Job(str(engine.url.render_as_string(False)), server.port, str(tmp_path), point, KILL)
        with running(job) as worker:
            strike_during(server, lambda: worker.pid, point, KILL)
            worker.join(30)
            assert worker.exitcode == -signal.SIGKILL
        settle(job)

        check(office, server, *AFTER_KILL[point])


@pytest.mark.parametrize("point", AFTER_FREEZE)
def test_a_worker_that_sleeps_longer_than_its_lease_wakes_up_to_the_truth(
    office: PostOffice, engine: Engine, tmp_path: Path, point: str
) -> None:
    with MailServer() as server:
        job = Job(str(engine.url.render_as_string(False)), server.port, str(tmp_path), point, FREEZE)
        with running(job) as worker:
            strike_during(server, lambda: worker.pid, point, FREEZE)
            pid = worker.pid or 0
            wait_until(lambda: frozen(pid))
            server.behaviour = Behaviour()
            settle(job)
            assert max(server.times_accepted().values(), default=0) <= 1
            os.kill(pid, signal.SIGCONT)
            worker.join(30)
            assert worker.exitcode == 0

        check(office, server, *AFTER_FREEZE[point])


def strike_during(server: MailServer, pid: Callable[[], int | None], point: str, deed: str) -> None:
    """Have the server strike the worker when it holds the whole message and has not answered yet."""
    if point == DURING:
        server.behaviour = Behaviour(on_content=lambda: os.kill(pid() or 0, SIGNALS[deed]))


def check(office: PostOffice, server: MailServer, state: str, accepted: int) -> None:
    """One message, where it should be, accepted as often as it should be, and in doubt only if listed."""
    assert office.states() == {state: 1}
    assert sum(server.times_accepted().values()) == accepted
    diagnosis = diagnose(office.runtime(Recorder()), office.now)
    assert diagnosis.in_doubt == len(diagnosis.doubts) == (1 if state == "unconfirmed" else 0)
    # The tests' own server saves on fsync, which the doctor rightly names.
    assert [problem for problem in diagnosis.problems if "fsync" not in problem] == []
    assert diagnosis.planned == 1


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "It never came true."
        time.sleep(0.02)
