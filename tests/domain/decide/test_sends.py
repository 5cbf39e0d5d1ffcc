"""What a send step does at its turn: queue, wait for its time, pick a piece, or be passed over."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from nurture.domain.decide import (
    Exit,
    QueueMessage,
    SleepUntil,
    decide,
)
from nurture.domain.errors import NotFound
from nurture.domain.timing.windows import QuietHours
from nurture.domain.values import CompanyView
from tests.domain.decide.scenes import ANA, DAY, HOUR, NOW, ONE, TWO, acts, flow, fresh, known, notes


def test_a_send_queues_its_template_and_the_walk_goes_on() -> None:
    effects = decide(flow(ONE, topic="product", identity="sales"), fresh(), known(), NOW)
    assert acts(effects) == [
        QueueMessage("one", 0, "letters/one", NOW, topic="product", identity="sales"),
        Exit("completed", "end"),
    ]


def test_a_step_may_be_from_somebody_else() -> None:
    text = "steps: [{key: one, send: {template: letters/one, identity: sales}}]"
    (queued, _) = acts(decide(flow(text), fresh(), known(), NOW))
    assert isinstance(queued, QueueMessage)
    assert queued.identity == "sales"


def test_one_message_at_a_time() -> None:
    (queued, sleep) = acts(decide(flow(TWO), fresh(), known(), NOW))
    assert isinstance(queued, QueueMessage)
    assert sleep == SleepUntil("two", NOW, NOW)
    then = decide(flow(TWO), fresh(position="two"), known(sent=frozenset({("one", 0)})), NOW)
    assert acts(then)[0] == QueueMessage("two", 0, "letters/two", NOW)


def test_what_was_sent_before_is_passed_over() -> None:
    effects = decide(flow(TWO), fresh(), known(sent=frozenset({("one", 0)})), NOW)
    assert notes(effects)[0] == ("one", "passed_over", "sent_before")
    assert acts(effects)[0] == QueueMessage("two", 0, "letters/two", NOW)


WINDOW = {"days": ["mon", "tue"], "from": "14:00", "to": "16:00"}


def test_a_send_waits_for_its_window() -> None:
    effects = decide(flow(ONE, window=WINDOW), fresh(), known(), NOW)
    opens = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    assert acts(effects) == [SleepUntil("one", NOW, opens, held_until=opens)]
    assert notes(effects) == [("one", "later", "window")]
    woken = fresh(position="one", held_until=opens)
    assert acts(decide(flow(ONE, window=WINDOW), woken, known(), opens))[0] == QueueMessage(
        "one", 0, "letters/one", NOW
    )


def test_a_wake_before_the_window_opens_says_nothing_new() -> None:
    opens = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    effects = decide(flow(ONE, window=WINDOW), fresh(position="one", held_until=opens), known(), NOW + HOUR)
    assert effects == (SleepUntil("one", NOW, opens, held_until=opens),)


@pytest.mark.parametrize("zone", ["lead", "America/New_York"])
def test_a_window_is_read_off_the_clock_that_it_names(zone: str) -> None:
    # On 8 March New York's clocks go forward, Lisbon's do on 29 March.
    text = "steps: [{key: one, send: {template: letters/one}}]"
    window = {"days": ["mon"], "from": "09:00", "to": "17:00", "zone": zone}
    hours = {"lead": 8, "America/New_York": 13}
    early = datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
    (sleep,) = acts(decide(flow(text, window=window), fresh(), known(), early))
    assert isinstance(sleep, SleepUntil)
    assert sleep.due_at == datetime(2026, 3, 30, hours[zone], 0, tzinfo=UTC)


def test_a_window_follows_the_leads_clock_over_the_change_of_time() -> None:
    saturday = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    window = {"days": ["sat", "sun"], "from": "09:00", "to": "10:00"}
    (sleep,) = acts(decide(flow(ONE, window=window), fresh(), known(), saturday))
    assert isinstance(sleep, SleepUntil)
    assert sleep.due_at == datetime(2026, 3, 29, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(("country", "company"), [("PT", None), (None, "PT")])
def test_public_holidays_of_the_leads_country_close_the_window(
    country: str | None, company: str | None
) -> None:
    lead = replace(ANA, country=country, company=CompanyView(1, country=company) if company else None)
    context = known(lead, holidays={"PT": frozenset({date(2026, 3, 2)})})
    daily = {"from": "09:00", "to": "17:00", "holidays": "lead"}
    (sleep,) = acts(decide(flow(ONE, window=daily), fresh(), context, NOW))
    assert isinstance(sleep, SleepUntil)
    assert sleep.due_at == datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def test_holidays_may_be_those_of_a_country_that_is_named() -> None:
    context = known(holidays={"FR": frozenset({date(2026, 3, 2)})})
    daily = {"from": "09:00", "to": "17:00", "holidays": "FR"}
    (sleep,) = acts(decide(flow(ONE, window=daily), fresh(), context, NOW))
    assert isinstance(sleep, SleepUntil)


def test_the_holidays_of_nowhere_close_nothing() -> None:
    daily = {"from": "09:00", "to": "17:00", "holidays": "lead"}
    assert isinstance(acts(decide(flow(ONE, window=daily), fresh(), known(), NOW))[0], QueueMessage)


NIGHT = QuietHours.parse("21:00", "07:00")


def test_quiet_hours_hold_all_but_steps_that_may_send_at_any_hour() -> None:
    night = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    (sleep,) = acts(decide(flow(ONE), fresh(), known(quiet=NIGHT), night))
    assert isinstance(sleep, SleepUntil)
    assert sleep.due_at == datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    any_hour = flow("steps: [{key: one, send: {template: letters/one}, window: any}]", window=WINDOW)
    assert isinstance(acts(decide(any_hour, fresh(), known(quiet=NIGHT), night))[0], QueueMessage)


def test_a_window_that_never_opens_is_said_and_looked_at_again() -> None:
    nightly = {"from": "22:00", "to": "23:00"}
    effects = decide(flow(ONE, window=nightly), fresh(), known(quiet=NIGHT), NOW)
    assert notes(effects) == [("one", "later", "never_opens")]
    assert acts(effects) == [SleepUntil("one", NOW, NOW + 30 * DAY, held_until=NOW + 30 * DAY)]


def test_a_break_that_the_lead_asked_for_holds_every_send() -> None:
    resting = replace(ANA, paused_until=NOW + 9 * DAY)
    effects = decide(flow(ONE), fresh(), known(resting), NOW)
    assert notes(effects) == [("one", "later", "break")]
    assert acts(effects) == [SleepUntil("one", NOW, NOW + 9 * DAY)]


STREAM = "steps: [{key: one, send: {stream: studies}}]"
WEEKLY = """
steps:
  - {key: one, send: {stream: studies, every: P7D, until: 3}}
  - {key: rest, wait: {for: P1D}}
"""


def test_a_piece_is_picked_when_its_message_is_planned() -> None:
    effects = decide(flow(STREAM), fresh(), known(read=frozenset({"studies/a"})), NOW)
    assert acts(effects)[0] == QueueMessage(
        "one", 0, "studies/b", NOW, piece="studies/b", not_after=NOW + 30 * DAY
    )


def test_a_stream_that_has_nothing_left_is_passed_over() -> None:
    effects = decide(flow(STREAM), fresh(), known(read=frozenset({"studies/a", "studies/b"})), NOW)
    assert notes(effects)[0] == ("one", "passed_over", "no_piece")
    assert acts(effects) == [Exit("completed", "end")]


def test_a_stream_that_there_is_not_is_an_error_that_names_it() -> None:
    with pytest.raises(NotFound, match='Step "one" sends from the stream "studies"'):
        decide(flow(STREAM), fresh(), known(streams={}), NOW)


def test_a_step_picks_in_its_own_way() -> None:
    newest = flow("steps: [{key: one, send: {stream: studies, pick: newest}}]")
    (queued, _) = acts(decide(newest, fresh(), known(), NOW))
    assert isinstance(queued, QueueMessage)
    assert queued.piece == "studies/b"


def test_a_repeating_step_waits_between_two_pieces_by_the_leads_calendar() -> None:
    # Lisbon's clocks go forward in between: the same time of day is an hour earlier in UTC.
    start = datetime(2026, 3, 26, 10, 0, tzinfo=UTC)
    effects = decide(flow(WEEKLY), fresh(), known(), start)
    next_at = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)
    assert acts(effects) == [
        QueueMessage("one", 0, "studies/a", start, piece="studies/a"),
        SleepUntil("one", start, next_at, occurrence=1, held_until=next_at),
    ]
    assert notes(effects) == [("one", "waits", "every")]


def test_a_repeating_step_woken_early_sleeps_on() -> None:
    waiting = fresh(position="one", occurrence=1, held_until=NOW + 7 * DAY)
    effects = decide(flow(WEEKLY), waiting, known(sent=frozenset({("one", 0)})), NOW + DAY)
    assert effects == (SleepUntil("one", NOW, NOW + 7 * DAY, occurrence=1, held_until=NOW + 7 * DAY),)


def test_a_repeating_step_goes_on_at_once_behind_its_last_turn() -> None:
    third = fresh(position="one", occurrence=2, held_until=NOW)
    effects = acts(decide(flow(WEEKLY), third, known(sent=frozenset({("one", 0), ("one", 1)})), NOW))
    assert isinstance(effects[0], QueueMessage)
    assert effects[0].occurrence == 2
    assert effects[1] == SleepUntil("rest", NOW, NOW + DAY, held_until=NOW + DAY)


def test_a_repeating_step_that_has_had_all_its_turns_is_done() -> None:
    over = fresh(position="one", occurrence=3)
    effects = decide(flow(WEEKLY), over, known(), NOW)
    assert acts(effects) == [SleepUntil("rest", NOW, NOW + DAY, held_until=NOW + DAY)]


def test_a_repeating_step_ends_when_the_stream_runs_dry() -> None:
    third = fresh(position="one", occurrence=2, held_until=NOW)
    context = known(read=frozenset({"studies/a", "studies/b"}), sent=frozenset({("one", 0), ("one", 1)}))
    effects = decide(flow(WEEKLY), third, context, NOW)
    assert notes(effects)[0] == ("one", "passed_over", "no_piece")
    assert acts(effects) == [SleepUntil("rest", NOW, NOW + DAY, held_until=NOW + DAY)]


def test_a_repeating_step_without_an_end_goes_on_while_there_are_pieces() -> None:
    endless = flow("steps: [{key: one, send: {stream: studies, every: P7D}}]")
    effects = acts(decide(endless, fresh(position="one", occurrence=50), known(), NOW))
    assert isinstance(effects[0], QueueMessage)
    assert effects[0].occurrence == 50
    assert isinstance(effects[1], SleepUntil)


def test_a_send_skipped_because_of_a_pause_is_passed_over_once() -> None:
    effects = decide(flow(TWO), fresh(position="one", held_until=NOW, skips=True), known(), NOW)
    assert notes(effects)[0] == ("one", "passed_over", "skipped")
    assert acts(effects)[0] == QueueMessage("two", 0, "letters/two", NOW)


def test_a_turn_skipped_because_of_a_pause_counts() -> None:
    effects = acts(decide(flow(WEEKLY), fresh(position="one", occurrence=1, skips=True), known(), NOW))
    assert effects == [SleepUntil("one", NOW, NOW + 7 * DAY, occurrence=2, held_until=NOW + 7 * DAY)]
