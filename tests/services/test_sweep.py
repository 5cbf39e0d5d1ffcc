"""What time does to the outbox: freed, doubted, sent again by policy, given back; and never the other way."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.domain.errors import OutcomeUnknown
from nurture.services.deliver import Pace, deliver
from nurture.services.sweep import Bounds, reconcile, sweep
from nurture.store.messages import claim
from nurture.store.schema import Campaign, Message, ReadPiece
from tests.support.post import PostOffice, Recorder

AT_ONCE = Bounds(stale=timedelta(seconds=-1), resend=timedelta(seconds=-1))


@pytest.fixture
def office(engine: Engine, clock: FixedClock, tmp_path: Path) -> PostOffice:
    return PostOffice.open(engine, clock, tmp_path)


def test_lapsed_claims_are_sent_by_the_next_worker(office: PostOffice) -> None:
    office.queue(2)
    office.write(lambda session: claim(session, office.now, 1, timedelta(seconds=-1)))
    office.write(lambda session: claim(session, office.now, 1, timedelta(minutes=5)))
    runtime = office.runtime(Recorder())

    assert sweep(runtime, office.now) == 1
    assert deliver(runtime, office.now).sent == 1
    assert office.states() == {"sent": 1, "claimed": 1}


def test_what_was_handed_over_becomes_unconfirmed_and_is_not_sent_again(office: PostOffice) -> None:
    office.queue()
    office.change(Message, 1, state="sending", sending_at=office.now, claim_token="t")
    mailer = Recorder()
    runtime = office.runtime(mailer)

    assert sweep(runtime, office.now) == 1
    assert reconcile(runtime, office.now) == 0
    deliver(runtime, office.now)

    assert office.states() == {"unconfirmed": 1}
    assert mailer.letters == []


def test_a_campaign_that_would_rather_be_read_twice_sends_again(office: PostOffice) -> None:
    office.write(lambda session: office.add_campaign(session, "daring", on_unconfirmed="resend_after_24h"))
    office.queue(campaign="daring")
    answers = [OutcomeUnknown("silence")]
    mailer = Recorder(answer=lambda letter: answers.pop() if answers else None)
    runtime = office.runtime(mailer)
    deliver(runtime, office.now, Pace(senders=1))

    assert reconcile(runtime, office.now) == 0
    assert reconcile(runtime, office.now, AT_ONCE) == 1
    assert deliver(runtime, office.now).sent == 1
    assert office.decisions(1) == [("unconfirmed", "no_answer"), ("later", "resend_after_24h"), ("sent", "")]


def test_pieces_that_ended_messages_still_hold_are_given_back(office: PostOffice) -> None:
    office.queue(2, piece="case_studies/mill")
    office.change(Message, 1, state="failed")

    assert reconcile(office.runtime(Recorder()), office.now) == 1
    assert [row.message_id for row in office.rows(ReadPiece)] == [2]


def test_a_paused_campaign_s_claims_are_freed_and_wait(office: PostOffice) -> None:
    office.queue()
    office.write(lambda session: claim(session, office.now, 1, timedelta(seconds=-1)))
    office.change(Campaign, 1, status="paused")
    runtime = office.runtime(Recorder())

    sweep(runtime, office.now)
    deliver(runtime, office.now)

    assert office.states() == {"pending": 1}
