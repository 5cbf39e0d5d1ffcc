"""People told from machines: each clue by itself, and together."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.engagement import CROWD, Hit, HitKind, judge
from nurture.domain.events import Verdict

DELIVERED = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GMAIL_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0; ms-office)"


def click(number: int = 1, link: int = 1, after: float = 300.0, **values: object) -> Hit:
    """A click by an ordinary browser, five minutes after delivery."""
    at = DELIVERED + timedelta(seconds=after)
    return Hit(
        **{"id": number, "kind": HitKind.CLICK, "at": at, "link": link, "user_agent": FIREFOX, **values}
    )  # type: ignore[arg-type]


def opened(number: int = 1, after: float = 300.0, **values: object) -> Hit:
    """An open by an ordinary browser, five minutes after delivery."""
    return click(number, after=after, **{"kind": HitKind.OPEN, "link": None, **values})


def verdict_of(hit: Hit, *others: Hit, links: int = 11) -> Verdict:
    return judge([hit, *others], DELIVERED, links)[hit.id].verdict


@pytest.mark.parametrize(
    ("hit", "expected"),
    [
        (click(), Verdict.HUMAN),
        (opened(), Verdict.HUMAN),
        (click(method="POST"), Verdict.HUMAN),
        (opened(user_agent=OUTLOOK, crawler=True), Verdict.HUMAN),
        (click(user_agent=OUTLOOK, crawler=True), Verdict.HUMAN),
        (opened(user_agent=GMAIL_PROXY, crawler=True), Verdict.PROXY),
        (opened(user_agent="YahooMailProxy; https://help.yahoo.com/", crawler=True), Verdict.PROXY),
        (opened(user_agent="Mozilla/5.0"), Verdict.MACHINE),
        (opened(user_agent=GMAIL_PREFETCH), Verdict.MACHINE),
        (click(method="HEAD"), Verdict.MACHINE),
        (click(crawler=True, user_agent="curl/8.5"), Verdict.MACHINE),
        (click(after=3), Verdict.MACHINE),
        (opened(after=3), Verdict.MACHINE),
        (click(crowd=CROWD), Verdict.MACHINE),
        (opened(crowd=CROWD, user_agent=GMAIL_PROXY), Verdict.PROXY),
        (click(kind=HitKind.TRAP), Verdict.MACHINE),
        (click(user_agent=None), Verdict.UNKNOWN),
        (click(user_agent=""), Verdict.UNKNOWN),
    ],
)
def test_one_hit_by_itself(hit: Hit, expected: Verdict) -> None:
    assert verdict_of(hit) is expected


def test_a_burst_of_different_links_is_a_machine_s() -> None:
    burst = [click(number, link=number, after=300 + number) for number in (1, 2, 3)]
    assert {verdict.verdict for verdict in judge(burst, DELIVERED, 11).values()} == {Verdict.MACHINE}


def test_all_links_of_a_short_mail_at_once_are_a_machine_s() -> None:
    both = [click(1, link=1), click(2, link=2, after=304)]
    assert {verdict.verdict for verdict in judge(both, DELIVERED, 2).values()} == {Verdict.MACHINE}


def test_clicking_the_same_link_again_and_again_is_human() -> None:
    again = [click(number, link=1, after=300 + number) for number in range(1, 6)]
    assert {verdict.verdict for verdict in judge(again, DELIVERED, 11).values()} == {Verdict.HUMAN}


def test_three_links_within_a_minute_are_a_reader_s() -> None:
    reader = [click(number, link=number, after=300 + 20 * number) for number in (1, 2, 3)]
    assert {verdict.verdict for verdict in judge(reader, DELIVERED, 11).values()} == {Verdict.HUMAN}


def test_a_person_who_clicks_after_the_scanner_is_human() -> None:
    scanner = [click(number, link=number, after=2 + number / 10) for number in (1, 2, 3)]
    person = click(9, link=2, after=7200)
    judged = judge([*scanner, person], DELIVERED, 11)
    assert judged[9].verdict is Verdict.HUMAN
    assert {judged[hit.id].verdict for hit in scanner} == {Verdict.MACHINE}


def test_a_hit_on_the_trap_spoils_what_came_with_it() -> None:
    trap = click(2, kind=HitKind.TRAP, link=0, after=310)
    assert verdict_of(click(1), trap) is Verdict.MACHINE
    assert verdict_of(click(1, after=400), trap) is Verdict.HUMAN


SCANNER = "198.51.100.7"


def asked(number: int, kind: HitKind, after: float, **values: object) -> Hit:
    """A page that every mail links to was asked for."""
    return click(number, after=after, **{"kind": kind, "link": None, **values})


def test_who_asks_for_every_page_of_a_mail_with_one_link_is_a_machine() -> None:
    followed = [
        click(1, after=30),
        asked(2, HitKind.UNSUBSCRIBE_PAGE, 31),
        asked(3, HitKind.VIEW_PAGE, 32),
    ]
    assert {verdict.verdict for verdict in judge(followed, DELIVERED, 1).values()} == {Verdict.MACHINE}


def test_who_looks_at_a_mail_in_the_browser_and_follows_a_link_is_a_person() -> None:
    assert verdict_of(click(1, after=304), asked(2, HitKind.VIEW_PAGE, 300), links=2) is Verdict.HUMAN


def test_a_scanner_that_asks_with_head_and_then_with_get_is_known_by_its_address() -> None:
    probe = click(1, after=60, method="HEAD", ip=SCANNER)
    fetch = click(2, after=61, ip=SCANNER)
    person = click(3, after=62, ip="192.0.2.10")
    judged = judge([probe, fetch, person], DELIVERED, 1)
    assert [judged[number].verdict for number in (1, 2, 3)] == [
        Verdict.MACHINE,
        Verdict.MACHINE,
        Verdict.HUMAN,
    ]
    assert "same network address" in judged[2].reasons[0]


def test_the_pixel_that_a_scanner_fetches_among_the_links_is_no_open() -> None:
    burst = [click(number, link=number, after=300 + number, ip=SCANNER) for number in (1, 2, 3)]
    assert verdict_of(opened(9, after=302, ip=SCANNER), *burst) is Verdict.MACHINE
    assert verdict_of(opened(9, after=302, ip="192.0.2.10"), *burst) is Verdict.HUMAN
    assert verdict_of(opened(9, after=360, ip=SCANNER), *burst) is Verdict.HUMAN


def test_an_image_proxy_keeps_its_word_whatever_else_comes_from_its_address() -> None:
    probe = click(1, after=300, method="HEAD", ip=SCANNER)
    assert verdict_of(opened(2, after=301, user_agent=GMAIL_PROXY, ip=SCANNER), probe) is Verdict.PROXY


def test_a_burst_is_any_ten_seconds_not_those_of_a_clock() -> None:
    slow = [click(number, link=number, after=300 + 6 * number) for number in range(1, 7)]
    fast = [click(number, link=number, after=300 + 5 * number) for number in range(1, 7)]
    assert {verdict.verdict for verdict in judge(slow, DELIVERED, 11).values()} == {Verdict.HUMAN}
    assert {verdict.verdict for verdict in judge(fast, DELIVERED, 11).values()} == {Verdict.MACHINE}


def test_a_flood_of_hits_on_one_message_is_judged_in_a_moment() -> None:
    flood = [click(number, link=number % 2, after=300 + number / 100, ip=SCANNER) for number in range(10_000)]
    assert len(judge(flood, DELIVERED, 11)) == len(flood)


def test_without_a_time_of_delivery_being_early_proves_nothing() -> None:
    assert judge([click(after=3)], None, 11)[1].verdict is Verdict.HUMAN


def test_a_clock_that_runs_behind_makes_nobody_a_machine() -> None:
    assert verdict_of(click(after=-2)) is Verdict.HUMAN


def test_a_machine_s_verdict_says_every_reason() -> None:
    reasons = judge([click(after=3, method="HEAD", crowd=CROWD)], DELIVERED, 11)[1].reasons
    assert reasons == (
        "asked with HEAD",
        "came 3 s after delivery",
        "the same network address asked for 5 messages within a minute",
    )


hits = st.lists(
    st.builds(
        Hit,
        id=st.integers(1, 10_000),
        kind=st.sampled_from(HitKind),
        at=st.floats(-100, 4000).map(lambda seconds: DELIVERED + timedelta(seconds=seconds)),
        method=st.sampled_from(["GET", "HEAD"]),
        link=st.none() | st.integers(1, 6),
        user_agent=st.sampled_from([None, FIREFOX, OUTLOOK, GMAIL_PROXY, "Mozilla/5.0"]),
        crawler=st.booleans(),
        crowd=st.integers(1, 9),
    ),
    max_size=12,
    unique_by=lambda hit: hit.id,
)


@given(hits, st.integers(0, 20))
def test_every_hit_gets_a_verdict_with_a_reason_in_any_order(found: list[Hit], links: int) -> None:
    judged = judge(found, DELIVERED, links)
    assert judged.keys() == {hit.id for hit in found}
    assert all(judgement.reasons for judgement in judged.values())
    assert judge(found[::-1], DELIVERED, links) == judged
