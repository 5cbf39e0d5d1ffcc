"""Workers killed at random, started twice, overtaken by an unsubscribe: always the same audit."""

import os
import random
import signal
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine, select

from nurture.clock import FixedClock
from nurture.services.deliver import Pace, deliver
from nurture.services.doctor import diagnose
from nurture.store.base import create_all, database_now, make_engine
from nurture.store.messages import cancel_pending, suppress_pending
from nurture.store.schema import Campaign, Enrollment, Message
from tests.faults.worker import NOW, Job, running, settle
from tests.support import postgres, run
from tests.support.post import PostOffice, Recorder

pytestmark = pytest.mark.faults

SEED = 20260302


class Receiver:
    """A real server's handler that counts what it accepted."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        _, _, rest = bytes(envelope.content or b"").partition(b"Message-ID: <")
        self.accepted[rest.partition(b"@")[0].decode()] += 1
        return "250 2.0.0 taken"


@contextmanager
def aiosmtpd() -> Iterator[tuple[Receiver, int]]:
    """A real mail server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    receiver = Receiver()
    controller = Controller(receiver, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield receiver, port
    finally:
        controller.stop()


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> PostOffice:
    return PostOffice.open(engine, FixedClock(NOW), tmp_path)


def job_for(office: PostOffice, port: int, rounds: int) -> Job:
    url = office.engine.url.render_as_string(hide_password=False)
    return Job(url, port, str(office.settings.var), rounds=rounds)


def audit(office: PostOffice, accepted: Counter[str], planned: int, in_doubt_max: int) -> None:
    """Nothing twice, nothing lost, and in doubt only what is listed, within its bound."""
    messages = office.rows(Message)
    by_mid = {message.mid: message.state for message in messages}
    assert len(messages) == planned
    assert set(accepted.values()) <= {1}
    assert set(accepted) <= set(by_mid)
    assert set(by_mid.values()) <= {"sent", "unconfirmed"}
    assert {mid for mid, state in by_mid.items() if state == "sent"} <= set(accepted)
    diagnosis = diagnose(office.runtime(Recorder()), office.now)
    doubtful = {mid for mid, state in by_mid.items() if state == "unconfirmed"}
    assert diagnosis.in_doubt == len(doubtful) <= in_doubt_max
    assert {doubt.mid for doubt in diagnosis.doubts} <= doubtful
    assert diagnosis.planned == planned


def test_killed_at_random_while_sending_no_message_goes_twice_and_none_is_lost(office: PostOffice) -> None:
    planned, kills = 800, 5
    office.queue(planned)
    chance = random.Random(SEED)
    with aiosmtpd() as (receiver, port):
        job = job_for(office, port, rounds=1000)
        doubtful = 0
        for _ in range(kills):
            before = sum(receiver.accepted.values())
            with running(job) as worker:
                until = time.monotonic() + 10
                while sum(receiver.accepted.values()) == before and time.monotonic() < until:
                    time.sleep(0.01)
                time.sleep(chance.uniform(0.02, 0.3))
                os.killpg(worker.pid or 0, signal.SIGKILL)
                worker.join()
            states = office.states()
            now_doubtful = states["sending"] + states["unconfirmed"]
            assert now_doubtful - doubtful <= office.settings.in_doubt_max
            doubtful = now_doubtful
            if sum(receiver.accepted.values()) > planned * 0.9:
                break
        settle(job)

        audit(office, receiver.accepted, planned, kills * office.settings.in_doubt_max)


def test_two_workers_started_by_mistake_send_everything_once(office: PostOffice) -> None:
    office.queue(300)
    with aiosmtpd() as (receiver, port):
        job = job_for(office, port, rounds=3)
        with running(job) as first, running(job) as second:
            first.join(30)
            second.join(30)
            assert (first.exitcode, second.exitcode) == (0, 0)
        settle(replace(job, rounds=1))

        assert office.states() == {"sent": 300}
        audit(office, receiver.accepted, 300, 0)


def committed_at(office: PostOffice, what: Any) -> datetime:
    """Do something in a transaction; gives the database's time right after its commit."""
    office.write(what)
    moment: datetime = office.write(database_now)
    return moment


def racing(office: PostOffice, senders: int = 8) -> list[threading.Thread]:
    """Senders that go on until nothing is left."""
    slow = Recorder(answer=lambda letter: time.sleep(0.002))

    def send() -> None:
        for _ in range(200):
            deliver(office.runtime(slow), office.now, Pace(senders=1, batch=5, group=3))
            if not office.states()["pending"]:
                return

    threads = [threading.Thread(target=send) for _ in range(senders)]
    for thread in threads:
        thread.start()
    return threads


def test_unsubscribing_against_eight_senders_leaves_no_intent_behind_it(office: PostOffice) -> None:
    ids = office.queue(160)
    senders = racing(office)
    refused: dict[int, datetime] = {}
    for lead_id in reversed(ids[::2]):

        def refuse(session: Any, lead_id: int = lead_id) -> None:
            office.suppress_in(session, lead_id, "marketing")
            suppress_pending(session, [lead_id], "unsubscribed", office.now)

        refused[lead_id] = committed_at(office, refuse)
    for sender in senders:
        sender.join()

    late = [
        m.id
        for m in office.rows(Message)
        if m.id in refused and m.sending_at and m.sending_at > refused[m.id]
    ]
    assert late == []
    assert set(office.states()) <= {"sent", "suppressed"}
    assert office.states()["suppressed"] > 0


def test_pausing_and_ending_against_eight_senders_leaves_no_intent_behind_it(office: PostOffice) -> None:
    ids = office.queue(160)
    senders = racing(office)
    ended: dict[int, datetime] = {}
    for enrollment_id in reversed(ids[100:]):

        def end(session: Any, enrollment_id: int = enrollment_id) -> None:
            session.get(Enrollment, enrollment_id).status = "exited"
            session.flush()
            cancel_pending(session, [enrollment_id], "goal", office.now)

        ended[enrollment_id] = committed_at(office, end)

    def pause(session: Any) -> None:
        session.scalars(select(Campaign)).one().status = "paused"

    paused = committed_at(office, pause)
    time.sleep(0.2)
    resumable = office.states()["pending"]
    office.write(lambda session: setattr(session.scalars(select(Campaign)).one(), "status", "stopped"))
    office.write(lambda session: cancel_pending(session, ids, "stopped", office.now))
    for sender in senders:
        sender.join()

    limits = {id_: min(paused, ended.get(id_, paused)) for id_ in ids}
    assert [m.id for m in office.rows(Message) if m.sending_at and m.sending_at > limits[m.id]] == []
    assert set(office.states()) <= {"sent", "cancelled"}
    assert office.states()["cancelled"] >= resumable


@pytest.fixture
def crashing_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server of the test's own, which it may crash."""
    server = postgres.start(run.directory() / f"crashing-{uuid.uuid4().hex}")
    yield server
    server.stop()


def test_a_database_that_restarts_in_mid_run_costs_no_message(
    crashing_server: postgres.Server, tmp_path: Path
) -> None:
    engine = make_engine(crashing_server.url("postgres"))
    create_all(engine)
    office = PostOffice.open(engine, FixedClock(NOW), tmp_path)
    office.queue(400)
    mailer = Recorder(answer=lambda letter: time.sleep(0.01))
    done = threading.Event()

    def crash() -> None:
        while len(mailer.letters) < 60:
            time.sleep(0.01)
        crashing_server.restart()
        done.set()

    threading.Thread(target=crash).start()
    deliver(office.runtime(mailer), office.now, Pace(senders=4))
    assert done.wait(30)
    settle_states = office.states()
    deliver(office.runtime(mailer), office.now)

    assert set(mailer.times_accepted.values()) == {1}
    assert office.states()["sent"] == len(mailer.times_accepted) >= settle_states["sent"]
    assert office.states()["sending"] == 0
    engine.dispose()
