"""From hits to facts: judged when the burst is over, revised when more is known, stopped by nothing."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.domain.engagement import CROWD, SETTLES_AFTER, HitKind
from nurture.services.tracking import settle_hits
from nurture.store import hits as store
from nurture.store.schema import EventRow, Hit, Inbox, Message, VerdictChange
from tests.support.readers import Readers

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def post(engine: Engine, clock: FixedClock, tmp_path: Path) -> Readers:
    return Readers.begin(engine, clock, tmp_path)


def settle(post: Readers, after: timedelta = timedelta()) -> int:
    """Let `after` pass, then judge all that is ripe."""
    post.clock.advance(after)
    return settle_hits(post.runtime, post.now, 100)


def verdicts(post: Readers) -> list[str | None]:
    """What is thought of each event, in the order of their hits."""
    by_hit = {event.external_id: event.verdict for event in post.rows(EventRow)}
    return [by_hit.get(str(hit.id)) for hit in post.rows(Hit)]


def test_a_click_becomes_a_fact_when_its_burst_is_over_and_names_all_it_answers(post: Readers) -> None:
    lead = post.reader()
    message = post.sent(lead)
    post.clock.advance(5 * MINUTE)
    clicked_at = post.now
    post.hit(message, link=2)

    assert settle(post, SETTLES_AFTER - SECOND) == 0
    assert post.count(EventRow) == 0
    assert settle(post, SECOND) == 1

    (event,) = post.rows(EventRow)
    assert (event.kind, event.verdict, event.at) == ("email_clicked", "human", clicked_at)
    assert (event.lead_id, event.message_id, event.campaign, event.step) == (
        lead,
        message,
        "welcome",
        "hello",
    )
    assert event.enrollment_id == post.row(Message, message).enrollment_id
    assert event.data == {"link": 2}
    assert [row.event_id for row in post.rows(Inbox)] == [event.id]
    (hit,) = post.rows(Hit)
    assert (hit.verdict, hit.event_id) == ("human", event.id)
    assert [(row.verdict, row.reasons) for row in post.rows(VerdictChange)] == [("human", hit.reasons)]


def test_an_open_becomes_a_fact_without_a_link(post: Readers) -> None:
    message = post.sent(post.reader())
    post.hit(message, HitKind.OPEN, after=MINUTE)

    settle(post, 3 * MINUTE)

    (event,) = post.rows(EventRow)
    assert (event.kind, event.verdict, event.data) == ("email_opened", "human", {})


def test_settling_again_makes_nothing_of_what_is_settled(post: Readers) -> None:
    post.hit(post.sent(post.reader()), after=MINUTE)
    settle(post, 3 * MINUTE)

    assert settle(post, MINUTE) == 0
    assert (post.count(EventRow), post.count(VerdictChange)) == (1, 1)


def test_a_scanner_follows_every_link_and_a_person_one_of_them_later(post: Readers) -> None:
    message = post.sent(post.reader())
    for link in (1, 2, 3, 4):
        post.hit(message, link=link, after=20 * SECOND + link * SECOND)
    post.hit(message, link=2, after=2 * timedelta(hours=1))

    settle(post, 5 * MINUTE)
    settle(post, timedelta(hours=3))

    assert verdicts(post) == ["machine"] * 4 + ["human"]
    assert "ten seconds" in post.rows(Hit)[0].reasons[0]


def test_a_head_request_is_a_machines_and_so_is_what_comes_at_once(post: Readers) -> None:
    message = post.sent(post.reader())
    post.hit(message, method="HEAD", after=MINUTE)
    post.hit(message, HitKind.OPEN, after=2 * SECOND)

    settle(post, 5 * MINUTE)

    assert verdicts(post) == ["machine", "machine"]


def test_a_known_crawlers_click_is_a_machines(post: Readers) -> None:
    message = post.sent(post.reader())
    post.hit(message, user_agent="curl/8.5.0", after=MINUTE)

    settle(post, 5 * MINUTE)

    assert verdicts(post) == ["machine"]


def test_a_verdict_is_revised_when_a_late_hit_shows_a_burst(post: Readers) -> None:
    """Hits that lay in the spool come late: what looked like a person was the first click of a scanner."""
    message = post.sent(post.reader())
    post.hit(message, link=1, after=20 * SECOND)
    settle(post, 5 * MINUTE)
    assert verdicts(post) == ["human"]
    with post.runtime.write() as session:
        session.query(Inbox).delete()

    sent_at = post.row(Message, message).sent_at
    assert sent_at is not None
    for link in (2, 3):
        post.hit(message, link=link, at=sent_at + (20 + link) * SECOND)
    settle(post, SECOND)

    assert verdicts(post) == ["machine"] * 3
    first = post.rows(Hit)[0]
    assert first.verdict == "machine"
    changes = [row.verdict for row in post.rows(VerdictChange, event_id=first.event_id)]
    assert changes == ["human", "machine"]
    assert first.event_id in {row.event_id for row in post.rows(Inbox)}


def test_a_scanners_burst_stays_one_when_a_person_clicks_within_the_hour(post: Readers) -> None:
    """Its first clicks lie too far back to be looked at again, its last ones do not."""
    message = post.sent(post.reader())
    for link, seconds in ((1, 20), (2, 23), (3, 26), (4, 29)):
        post.hit(message, link=link, after=seconds * SECOND)
    settle(post, 5 * MINUTE)
    sent_at = post.row(Message, message).sent_at
    assert sent_at is not None
    for gap in (85, 90, 148, 149, 200):
        post.hit(message, link=1, at=sent_at + gap * SECOND)
        settle(post, SECOND)

    assert verdicts(post) == ["machine"] * 4 + ["human"] * 5
    assert post.count(VerdictChange) == 9


def test_a_revision_waits_in_the_inbox_once(post: Readers) -> None:
    message = post.sent(post.reader())
    post.hit(message, link=1, after=20 * SECOND)
    settle(post, 5 * MINUTE)
    sent_at = post.row(Message, message).sent_at
    assert sent_at is not None
    for link in (2, 3):
        post.hit(message, link=link, at=sent_at + (20 + link) * SECOND)

    settle(post, SECOND)

    assert post.count(Inbox) == 3


def test_one_network_address_that_asks_for_many_messages_within_a_minute_is_a_machine(post: Readers) -> None:
    for number in range(CROWD):
        message = post.sent(post.reader(f"lead-{number}@example.com"))
        post.hit(message, after=20 * SECOND + number * SECOND, ip="198.51.100.7")
    alone = post.sent(post.reader())
    post.hit(alone, after=21 * SECOND, ip="192.0.2.1")

    settle(post, 5 * MINUTE)

    assert verdicts(post) == ["machine"] * CROWD + ["human"]


def test_one_message_less_is_no_crowd(post: Readers) -> None:
    for number in range(CROWD - 1):
        message = post.sent(post.reader(f"lead-{number}@example.com"))
        post.hit(message, after=20 * SECOND + number * SECOND, ip="198.51.100.7")

    settle(post, 5 * MINUTE)

    assert verdicts(post) == ["human"] * (CROWD - 1)


@pytest.mark.parametrize("kind", ["test", "system"])
def test_mails_that_are_no_campaigns_make_no_facts(post: Readers, kind: str) -> None:
    lead = post.reader()
    message = post.sent(lead, kind=kind)
    post.hit(message, after=MINUTE)

    settle(post, 5 * MINUTE)

    assert post.count(EventRow) == post.count(Inbox) == post.count(VerdictChange) == 0
    assert [hit.verdict for hit in post.rows(Hit)] == ["human"]


def test_a_hit_on_a_trap_makes_no_fact_but_shows_its_neighbours_for_what_they_are(post: Readers) -> None:
    message = post.sent(post.reader())
    post.hit(message, HitKind.TRAP, link=0, after=MINUTE)
    post.hit(message, link=1, after=MINUTE + SECOND)

    settle(post, 5 * MINUTE)

    (event,) = post.rows(EventRow)
    assert (event.kind, event.verdict) == ("email_clicked", "machine")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("state", ["sending", "unconfirmed"])
def test_whoever_asked_a_hit_proves_that_a_doubted_message_arrived(
    post: Readers, state: str, method: str
) -> None:
    message = post.sent(post.reader(), state=state, sending_at=post.now, claim_token="held")
    post.hit(message, method=method, after=MINUTE)

    settle(post, 5 * MINUTE)

    row = post.row(Message, message)
    assert (row.state, row.reception, row.sent_at) == ("sent", "delivered", post.now)


def test_a_hit_does_not_bring_back_what_was_never_handed_over(post: Readers) -> None:
    message = post.sent(post.reader(), state="failed")
    post.hit(message, after=MINUTE)

    settle(post, 5 * MINUTE)

    assert post.row(Message, message).state == "failed"


def test_hits_on_messages_that_are_gone_are_settled_without_a_fact(post: Readers) -> None:
    post.hit(4711, after=MINUTE)

    settle(post, 5 * MINUTE)

    assert post.count(EventRow) == 0
    assert settle(post) == 0


def test_a_hit_that_cannot_be_judged_stops_nobody(post: Readers) -> None:
    poisoned, fine = post.sent(post.reader()), post.sent(post.reader("ben@example.com"))
    post.hit(poisoned, after=MINUTE)
    post.hit(fine, after=MINUTE)
    with post.runtime.write() as session:
        session.query(Hit).where(Hit.message_id == poisoned).update({"kind": "a kind from the future"})

    assert settle(post, 5 * MINUTE) == 2
    assert settle(post) == 0

    (event,) = post.rows(EventRow)
    assert (event.message_id, event.verdict) == (fine, "human")
    assert [(hit.verdict, hit.reasons) for hit in post.rows(Hit, message_id=poisoned)] == [
        ("unknown", ["cannot be judged"])
    ]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_while_one_worker_judges_another_does_not(post: Readers) -> None:
    post.hit(post.sent(post.reader()), after=MINUTE)
    post.clock.advance(5 * MINUTE)

    with post.runtime.write() as session:
        assert store.take_turn(session)
        assert settle(post) == 0
    assert settle(post) == 1


def test_eight_workers_judge_each_hit_once(post: Readers) -> None:
    for number in range(20):
        post.hit(post.sent(post.reader(f"lead-{number}@example.com")), after=MINUTE, ip=f"192.0.2.{number}")
    post.clock.advance(5 * MINUTE)

    def judge() -> None:
        while any(hit.verdict is None for hit in post.rows(Hit)):
            settle_hits(post.runtime, post.now, 3)

    workers = [threading.Thread(target=judge) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert (post.count(EventRow), post.count(VerdictChange), post.count(Inbox)) == (20, 20, 20)


def test_a_portion_takes_the_oldest_messages_and_leaves_the_rest(post: Readers) -> None:
    messages = [post.sent(post.reader(f"lead-{number}@example.com")) for number in range(3)]
    for number, message in enumerate(reversed(messages)):
        post.hit(message, after=MINUTE + number * SECOND)
    post.clock.advance(5 * MINUTE)

    assert settle_hits(post.runtime, post.now, 2) == 2
    assert {event.message_id for event in post.rows(EventRow)} == set(messages[1:])
    assert settle_hits(post.runtime, post.now, 2) == 1
