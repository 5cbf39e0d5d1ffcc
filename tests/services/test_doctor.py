"""The doctor names what is wrong and what to do, and is silent where nothing is."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from nurture.clock import FixedClock
from nurture.services import switches
from nurture.services.deliver import deliver
from nurture.services.doctor import Diagnosis, diagnose
from nurture.store.beats import beat
from nurture.store.buckets import look, stop_mailer
from nurture.store.schema import Decision, Heartbeat, Message
from tests.support.post import PostOffice, Recorder

Disorder = Callable[[PostOffice], Any]


@pytest.fixture
def office(engine: Engine, clock: FixedClock, tmp_path: Path) -> PostOffice:
    return PostOffice.open(engine, clock, tmp_path)


def examined(office: PostOffice) -> Diagnosis:
    return diagnose(office.runtime(Recorder()), office.now)


def problems(office: PostOffice) -> list[str]:
    """All but what is true of the tests' own server, which saves on fsync."""
    return [problem for problem in examined(office).problems if "fsync" not in problem]


def test_a_house_in_order_has_no_problems_and_sums_that_agree(office: PostOffice) -> None:
    office.queue(3)
    deliver(office.runtime(Recorder()), office.now)
    office.write(lambda session: beat(session, "deliver", timedelta(seconds=1), 3, None))

    diagnosis = examined(office)

    assert problems(office) == []
    assert diagnosis.planned == diagnosis.messages["sent"] == 3
    told = json.loads(json.dumps(diagnosis.as_json()))
    assert (told["in_doubt"], told["in_doubt_max"], told["messages"]["sent"]) == (0, 50, 3)
    assert told["heartbeats"]["deliver"]["late"] is False


def message(**values: Any) -> Disorder:
    return lambda office: office.change(Message, 1, **values)


def database(act: Callable[[Session], Any]) -> Disorder:
    return lambda office: office.write(act)


def forgotten(session: Session) -> None:
    session.execute(delete(Decision).where(Decision.message_id == 1))


def swapped(session: Session) -> None:
    session.execute(update(Decision).where(Decision.message_id == 1).values(message_id=2))


def refused(session: Session) -> None:
    look(session, "smtp", None, 1)
    stop_mailer(session, "smtp", "535 wrong password")


def broken(session: Session) -> None:
    beat(session, "plan", timedelta(seconds=1), 1, "ValueError: x")


def late(session: Session) -> None:
    beat(session, "sweep", timedelta(seconds=5), 1, None)
    session.execute(update(Heartbeat).values(at=datetime(2020, 1, 1, tzinfo=UTC)))


def stopped(office: PostOffice) -> None:
    switches.stop(office.runtime(Recorder()), office.now, "ana", "a wrong figure")


def restored(office: PostOffice) -> None:
    switches.hold_restored(office.runtime(Recorder()), office.now)


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DISORDERS: list[tuple[Disorder, str]] = [
    (database(forgotten), "has queued 1 messages, and there are 2"),
    (database(swapped), "Messages without exactly one queueing in the decision log: 1, 2"),
    (message(state="failed"), "still hold a piece: 1"),
    (message(state="sending", sending_at=LONG_AGO), "handed over for too long"),
    (message(state="unconfirmed", sending_at=LONG_AGO), "unconfirmed for more than a day"),
    (message(due_at=LONG_AGO), "are due for 10 minutes"),
    (stopped, "by ana (a wrong figure)"),
    (restored, "nurture go --release"),
    (database(refused), "refuses the account: 535 wrong password"),
    (database(broken), "plan failed: ValueError"),
    (database(late), "The job sweep last ran at"),
]


@pytest.mark.parametrize(("disorder", "words"), DISORDERS, ids=[words for _, words in DISORDERS])
def test_what_is_wrong_is_named(office: PostOffice, disorder: Disorder, words: str) -> None:
    office.queue(2, piece="case_studies/mill")
    disorder(office)

    found = problems(office)

    assert len(found) == 1
    assert words in found[0]
    assert examined(office).as_json()["ok"] is False


def test_messages_in_doubt_are_counted_and_listed(office: PostOffice) -> None:
    office.queue(3)
    office.change(Message, 1, state="sending")
    office.change(Message, 2, state="unconfirmed")

    diagnosis = examined(office)

    assert diagnosis.in_doubt == 2
    assert sorted(doubt.message_id for doubt in diagnosis.doubts) == [1, 2]
