"""What is thought of opens and clicks: a ledger, its newest line on the event, another turn in the inbox."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.domain.events import Verdict
from nurture.services.verdicts import Revision, note_verdicts, revise
from nurture.store.events import NewEvent, record_events
from nurture.store.schema import EventRow, Inbox, VerdictChange
from tests.support.readers import Readers


@pytest.fixture
def post(engine: Engine, clock: FixedClock, tmp_path: Path) -> Readers:
    return Readers.begin(engine, clock, tmp_path)


def clicks(post: Readers, number: int, verdict: Verdict = Verdict.HUMAN) -> list[int]:
    """Clicks of one lead that were judged and processed; gives their ids."""
    lead = post.reader()
    events = [
        NewEvent("hit", str(place), lead, "email_clicked", post.now, verdict=verdict)
        for place in range(number)
    ]
    with post.runtime.write() as session:
        record_events(session, events, post.now)
        session.query(Inbox).delete()
    return [event.id for event in events]


def test_noting_appends_to_the_ledger_and_touches_nothing_else(post: Readers) -> None:
    (click,) = clicks(post, 1)

    with post.runtime.write() as session:
        note_verdicts(session, [Revision(click, Verdict.HUMAN, ("a mail client",))], post.now)

    (line,) = post.rows(VerdictChange)
    assert (line.event_id, line.verdict, line.reasons, line.at) == (
        click,
        "human",
        ["a mail client"],
        post.now,
    )
    assert post.count(Inbox) == 0


def test_a_revision_changes_the_event_keeps_the_ledger_and_asks_for_processing(post: Readers) -> None:
    first, second = clicks(post, 2)

    with post.runtime.write() as session:
        note_verdicts(session, [Revision(first, Verdict.HUMAN, ())], post.now)
        revise(session, [Revision(first, Verdict.MACHINE, ("a burst",))], post.now)

    assert post.row(EventRow, first).verdict == "machine"
    assert post.row(EventRow, second).verdict == "human"
    assert [line.verdict for line in post.rows(VerdictChange, event_id=first)] == ["human", "machine"]
    (waiting,) = post.rows(Inbox)
    assert (waiting.event_id, waiting.lead_id, waiting.attempts) == (
        first,
        post.row(EventRow, first).lead_id,
        0,
    )


def test_an_event_that_waits_already_waits_once(post: Readers) -> None:
    (click,) = clicks(post, 1)

    for verdict in (Verdict.MACHINE, Verdict.HUMAN, Verdict.MACHINE):
        with post.runtime.write() as session:
            revise(session, [Revision(click, verdict, ())], post.now)

    assert post.count(Inbox) == 1
    assert post.row(EventRow, click).verdict == "machine"
    assert [line.verdict for line in post.rows(VerdictChange)] == ["machine", "human", "machine"]


def test_an_event_that_was_set_aside_gets_another_turn(post: Readers) -> None:
    (click,) = clicks(post, 1)
    with post.runtime.write() as session:
        revise(session, [Revision(click, Verdict.MACHINE, ())], post.now)
        session.query(Inbox).update({"attempts": 3, "error": "something"})

    with post.runtime.write() as session:
        revise(session, [Revision(click, Verdict.HUMAN, ())], post.now)

    (waiting,) = post.rows(Inbox)
    assert (waiting.attempts, waiting.error) == (0, None)


def test_many_revisions_are_written_at_once(post: Readers) -> None:
    events = clicks(post, 1500)

    with post.runtime.write() as session:
        revise(session, [Revision(event, Verdict.MACHINE, ()) for event in events], post.now)

    assert {event.verdict for event in post.rows(EventRow)} == {"machine"}
    assert post.count(Inbox) == post.count(VerdictChange) == 1500


def test_revising_nothing_does_nothing(post: Readers) -> None:
    with post.runtime.write() as session:
        revise(session, [], post.now)
        note_verdicts(session, [], post.now)
    assert post.count(VerdictChange) == 0
