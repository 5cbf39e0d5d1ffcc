"""Hits: kept as they came, found when they are ripe, and counted by where they came from."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.domain.engagement import CROWD_WINDOW, SETTLES_AFTER, HitKind
from nurture.domain.events import Verdict
from nurture.store import hits as store
from nurture.store.hits import Judged, NewHit
from nurture.store.schema import Hit
from tests.support.readers import LINKS, Readers

SECOND = timedelta(seconds=1)


@pytest.fixture
def post(engine: Engine, clock: FixedClock, tmp_path: Path) -> Readers:
    return Readers.begin(engine, clock, tmp_path)


def test_a_hit_is_kept_as_it_came_and_waits_for_its_verdict(post: Readers) -> None:
    post.hit(7, HitKind.CLICK, link=2, method="HEAD", ip="2001:db8::1", user_agent="Reader/1.0")

    (hit,) = post.rows(Hit)
    assert (hit.message_id, hit.kind, hit.link, hit.method) == (7, "click", 2, "HEAD")
    assert (hit.ip, hit.user_agent) == ("2001:db8::1", "Reader/1.0")
    assert (hit.at, hit.settle_at) == (post.now, post.now + SETTLES_AFTER)
    assert (hit.verdict, hit.reasons, hit.event_id) == (None, [], None)


def test_a_user_agent_that_no_database_takes_is_kept_without_what_hurts(post: Readers) -> None:
    post.hit(7, user_agent="a\x00b" + "x" * 1000)

    (hit,) = post.rows(Hit)
    assert hit.user_agent == "ab" + "x" * 510


def test_recording_nothing_writes_nothing(post: Readers) -> None:
    with post.runtime.write() as session:
        store.record_hits(session, [])
    assert post.count(Hit) == 0


def test_a_message_is_ripe_when_its_oldest_hit_is_and_the_oldest_come_first(post: Readers) -> None:
    post.hit(3, after=2 * SECOND)
    post.hit(1, after=SECOND)
    post.hit(1, after=90 * SECOND)
    post.hit(2)

    def ripe(at: timedelta, limit: int = 10) -> list[int]:
        with post.runtime.read() as session:
            return list(store.unsettled_messages(session, post.now + at, limit))

    assert ripe(SETTLES_AFTER - SECOND) == []
    assert ripe(SETTLES_AFTER) == [2]
    assert ripe(SETTLES_AFTER + 2 * SECOND) == [2, 1, 3]
    assert ripe(SETTLES_AFTER + 2 * SECOND, limit=2) == [2, 1]


def test_a_judged_hit_is_not_ripe_again(post: Readers) -> None:
    post.hit(1)
    (hit,) = post.rows(Hit)
    with post.runtime.write() as session:
        store.write_verdicts(session, [Judged(hit.id, Verdict.MACHINE, ("a known crawler",), None)])

    with post.runtime.read() as session:
        assert store.unsettled_messages(session, post.now + SETTLES_AFTER, 10) == {}
    judged = post.row(Hit, hit.id)
    assert (judged.verdict, judged.reasons) == ("machine", ["a known crawler"])


def test_hits_are_given_by_message_oldest_first(post: Readers) -> None:
    post.hit(1, after=2 * SECOND, link=2)
    post.hit(2)
    post.hit(1, link=1)

    with post.runtime.read() as session:
        found = store.hits_since(session, {1: post.now, 2: post.now, 99: post.now})
        assert {message: [hit.link for hit in hits] for message, hits in found.items()} == {1: [1, 2], 2: [1]}


def test_hits_are_given_since_each_messages_own_moment(post: Readers) -> None:
    for message in (1, 2):
        post.hit(message, link=1)
        post.hit(message, link=2, after=2 * SECOND)

    with post.runtime.read() as session:
        found = store.hits_since(session, {1: post.now, 2: post.now + SECOND})
        assert {message: [hit.link for hit in hits] for message, hits in found.items()} == {1: [1, 2], 2: [2]}


def test_a_crowd_is_the_messages_that_one_address_asked_for_within_the_window_around_a_hit(
    post: Readers,
) -> None:
    post.hit(1, ip="192.0.2.1")
    post.hit(1, ip="192.0.2.1", after=SECOND)  # The same message is no second one.
    post.hit(2, ip="192.0.2.1", after=CROWD_WINDOW)
    post.hit(3, ip="192.0.2.1", after=CROWD_WINDOW + SECOND)
    post.hit(4, ip="192.0.2.2")
    post.hit(5, ip=None)
    ids = [hit.id for hit in post.rows(Hit)]

    with post.runtime.read() as session:
        crowds = store.crowds(session, ids, CROWD_WINDOW)

    assert [crowds.get(hit) for hit in ids] == [2, 3, 3, 3, 1, None]


def test_hits_from_nowhere_are_no_crowd(post: Readers) -> None:
    post.hit(1, ip=None)
    with post.runtime.read() as session:
        assert store.crowds(session, [post.rows(Hit)[0].id], CROWD_WINDOW) == {}
        assert store.crowds(session, [], CROWD_WINDOW) == {}


def test_an_addressee_is_named_with_all_that_an_event_needs(post: Readers) -> None:
    lead = post.reader()
    message = post.sent(lead)
    test_mail = post.sent(None, kind="test", address="staff@example.com")

    with post.runtime.read() as session:
        found = store.addressees(session, [message, test_mail, 999])

    assert found.keys() == {message, test_mail}
    whose = found[message]
    assert (whose.kind, whose.lead_id, whose.campaign, whose.step) == ("campaign", lead, "welcome", "hello")
    assert (whose.sent_at, whose.links) == (post.now, len(LINKS))
    assert (found[test_mail].kind, found[test_mail].lead_id) == ("test", None)


def test_links_of_one_message_alone_count_among_its_links(post: Readers) -> None:
    message = post.sent(post.reader())
    post.own_link(message, 5, "https://www.example.com/ana")

    with post.runtime.read() as session:
        assert store.addressees(session, [message])[message].links == len(LINKS) + 1


def test_a_stored_target_is_found_by_message_and_number(post: Readers) -> None:
    message = post.sent(post.reader())
    post.own_link(message, 5, "https://www.example.com/ana")

    with post.runtime.read() as session:
        assert store.stored_target(session, message, 5) == "https://www.example.com/ana"
        assert store.stored_target(session, message, 6) is None
        assert store.template_of(session, message) == "letter"
        assert store.template_of(session, 999) is None


def test_many_hits_at_once_are_all_kept(post: Readers) -> None:
    hits = [NewHit(number, HitKind.OPEN, "GET", post.now) for number in range(1, 1201)]
    with post.runtime.write() as session:
        store.record_hits(session, hits)
    assert post.count(Hit) == 1200
