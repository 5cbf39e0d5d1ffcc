"""What each kind of step does when a passage comes to it, and when it is woken there."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.decide import (
    Context,
    Effect,
    Exit,
    Flow,
    Note,
    Notify,
    Passage,
    QueueMessage,
    ReachGoal,
    SleepUntil,
    Update,
    compile_flow,
    decide,
)
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.errors import InputError, NotFound
from nurture.domain.events import Event, EventKind, Verdict
from nurture.domain.streams import Piece, Stream
from nurture.domain.timing.windows import QuietHours
from nurture.domain.values import CompanyView, LeadView, Lifecycle, Score, Stage

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""A Monday morning."""
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LISBON = ZoneInfo("Europe/Lisbon")
ANA = LeadView(
    id=1,
    address="ana@example.com",
    created_at=NOW - 90 * DAY,
    lifecycle=Lifecycle.LEAD,
    stage_since=NOW - 50 * DAY,
    mailable=True,
)
STUDIES = Stream("studies", (Piece("studies/a", 1), Piece("studies/b", 2, expires=NOW + 30 * DAY)))


def flow(text: str, **extra: Any) -> Flow:
    body = {
        "slug": "test",
        "name": "Test",
        "entry": {"manual": True},
        **yaml.load(text, yaml.BaseLoader),
        **extra,
    }
    return compile_flow(CampaignDefinition.model_validate(body))


def fresh(**values: Any) -> Passage:
    start = Passage(1, 1, "test", 1, None, NOW, 0, NOW)
    return replace(start, **values)


def known(lead: LeadView = ANA, *events: Event, **values: Any) -> Context:
    snapshot = Snapshot(lead, events, timedelta(days=30))
    return replace(Context(snapshot, LISBON, streams={"studies": STUDIES}), **values)


def click(at: datetime, step: str = "one", number: int = 1) -> Event:
    return Event(number, 1, EventKind.EMAIL_CLICKED, at, Verdict.HUMAN, enrollment_id=1, step=step)


def acts(effects: tuple[Effect, ...]) -> list[Effect]:
    return [effect for effect in effects if not isinstance(effect, Note)]


def notes(effects: tuple[Effect, ...]) -> list[tuple[str | None, str, str]]:
    return [(note.step, note.outcome, note.reason) for note in effects if isinstance(note, Note)]


ONE = "steps: [{key: one, send: {template: letters/one}}]"
TWO = "steps: [{key: one, send: {template: letters/one}}, {key: two, send: {template: letters/two}}]"


# Sending


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


# Streams


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


# Waiting


REST = "steps: [{key: rest, wait: {for: P3D}}, {key: one, send: {template: letters/one}}]"


def test_a_wait_lasts_as_long_as_it_says() -> None:
    effects = decide(flow(REST), fresh(), known(), NOW)
    assert effects == (
        Note("rest", "waits", "wait", "The wait begins.", next_at=NOW + 3 * DAY),
        SleepUntil("rest", NOW, NOW + 3 * DAY, held_until=NOW + 3 * DAY),
    )
    waiting = fresh(position="rest", held_until=NOW + 3 * DAY)
    assert decide(flow(REST), waiting, known(), NOW + DAY) == (
        SleepUntil("rest", NOW, NOW + 3 * DAY, held_until=NOW + 3 * DAY),
    )
    assert isinstance(acts(decide(flow(REST), waiting, known(), NOW + 3 * DAY))[0], QueueMessage)


def test_a_wait_until_a_moment_of_the_leads_clock() -> None:
    tuesday = flow("steps: [{key: rest, wait: {until: {weekday: tue, at: '10:00'}}}]")
    (sleep,) = acts(decide(tuesday, fresh(), known(), datetime(2026, 3, 30, 12, 0, tzinfo=UTC)))
    assert isinstance(sleep, SleepUntil)
    assert sleep.held_until == datetime(2026, 3, 31, 9, 0, tzinfo=UTC)


def test_a_wait_until_a_date_gone_by_is_no_wait() -> None:
    past = flow("steps: [{key: rest, wait: {until: {date: '2020-01-01'}}}]")
    assert acts(decide(past, fresh(), known(), NOW)) == [Exit("completed", "end")]


EARLY = "steps: [{key: rest, wait: {for: P3D, or_until: {event: email_clicked}}}, {key: end, exit: {}}]"


def test_a_wait_ends_early_by_what_happens_in_it() -> None:
    waiting = fresh(position="rest", since=NOW, held_until=NOW + 3 * DAY)
    effects = decide(flow(EARLY), waiting, known(ANA, click(NOW + HOUR)), NOW + 2 * HOUR)
    assert notes(effects)[0] == ("rest", "goes_on", "or_until")
    assert effects[-1] == Exit("completed", "done")


def test_what_happened_before_a_wait_does_not_end_it() -> None:
    waiting = fresh(position="rest", since=NOW, held_until=NOW + 3 * DAY)
    effects = decide(flow(EARLY), waiting, known(ANA, click(NOW - HOUR)), NOW + 2 * HOUR)
    assert effects == (SleepUntil("rest", NOW, NOW + 3 * DAY, held_until=NOW + 3 * DAY),)


def test_a_wait_for_what_is_true_already_is_no_wait() -> None:
    text = "steps: [{key: rest, wait: {for: P3D, or_until: {lifecycle: lead}}}]"
    assert acts(decide(flow(text), fresh(), known(), NOW)) == [Exit("completed", "end")]


def test_a_sleep_ends_when_time_alone_makes_something_true() -> None:
    text = "steps: [{key: rest, wait: {for: P60D, or_until: {none: [{engagement: {gte: 10}}]}}}]"
    warm = replace(ANA, score=Score(20.0, NOW))
    (sleep,) = acts(decide(flow(text), fresh(), known(warm), NOW))
    assert isinstance(sleep, SleepUntil)
    assert sleep.held_until == datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
    assert NOW + 30 * DAY <= sleep.due_at <= NOW + 30 * DAY + timedelta(seconds=2)
    cooled = fresh(position="rest", held_until=sleep.held_until)
    assert acts(decide(flow(text), cooled, known(warm), sleep.due_at)) == [Exit("completed", "end")]


def test_an_exit_or_goal_that_time_brings_about_wakes_too() -> None:
    cold = {"none": [{"engagement": {"gte": 10}}]}
    warm = replace(ANA, score=Score(20.0, NOW))
    for extra in ({"exit": [cold]}, {"goal": {"when": cold, "within": "P90D"}}):
        (sleep,) = acts(
            decide(flow("steps: [{key: rest, wait: {for: P60D}}]", **extra), fresh(), known(warm), NOW)
        )
        assert isinstance(sleep, SleepUntil)
        assert sleep.due_at < NOW + 31 * DAY


# Branching, splitting, changing, telling, ending


BRANCH = """
steps:
  - key: fork
    branch:
      - {key: yes, when: {event: email_clicked}, steps: [{key: keen, exit: {reason: keen}}]}
      - {key: vip, when: {tag: vip}, steps: []}
      - {key: no, otherwise: true, steps: [{key: cool, exit: {reason: cool}}]}
  - {key: end, exit: {reason: behind}}
"""


def reason(effects: tuple[Effect, ...]) -> str:
    assert isinstance(effects[-1], Exit)
    return effects[-1].reason


def test_a_branch_takes_the_first_arm_that_holds() -> None:
    tagged = replace(ANA, tags={"vip": NOW})
    effects = decide(flow(BRANCH), fresh(), known(tagged, click(NOW)), NOW)
    assert reason(effects) == "keen"
    assert effects[0] == Note(
        "fork", "branched", "yes", "email clicked.", {"email clicked": "1 time, last on 2026-03-02"}
    )


def test_an_empty_arm_leads_behind_the_branch() -> None:
    assert reason(decide(flow(BRANCH), fresh(), known(replace(ANA, tags={"vip": NOW})), NOW)) == "behind"


def test_a_branch_counts_from_the_passages_start() -> None:
    assert reason(decide(flow(BRANCH), fresh(), known(ANA, click(NOW - HOUR)), NOW)) == "cool"


def test_a_branch_in_which_no_arm_fits_is_passed() -> None:
    text = "steps: [{key: fork, branch: [{key: vip, when: {tag: vip}, steps: [{key: x, exit: {}}]}]}]"
    effects = decide(flow(text), fresh(), known(), NOW)
    assert notes(effects)[0] == ("fork", "branched", "none")
    assert reason(effects) == "end"


def test_the_end_of_a_nested_arm_leads_behind_all_that_it_closes() -> None:
    text = """
    steps:
      - key: outer
        branch:
          - key: a
            otherwise: true
            steps:
              - {key: inner, branch: [{key: b, otherwise: true, steps: [{key: tell, notify: {owner: true}}]}]}
      - {key: end, exit: {reason: behind}}
    """
    assert reason(decide(flow(text), fresh(), known(), NOW)) == "behind"


def test_a_split_sends_a_lead_the_same_way_every_time() -> None:
    text = """
    steps:
      - key: tone
        split:
          - {key: a, weight: 1, steps: [{key: ea, exit: {reason: a}}]}
          - {key: b, name: Long, weight: 1, steps: []}
      - {key: end, exit: {reason: b}}
    """
    taken = {lead: reason(decide(flow(text), fresh(lead_id=lead), known(), NOW)) for lead in range(1, 41)}
    assert set(taken.values()) == {"a", "b"}
    assert taken == {lead: reason(decide(flow(text), fresh(lead_id=lead), known(), NOW)) for lead in taken}


def test_an_update_changes_the_lead_and_the_walk_goes_on() -> None:
    text = """
    steps:
      - {key: mark, update: {tags: [a], untag: [b], set: {stage: action}, points: "5"}}
      - {key: end, exit: {}}
    """
    effects = decide(flow(text), fresh(), known(), NOW)
    assert acts(effects) == [
        Update("mark", ("a",), ("b",), {"stage": "action"}, 5.0),
        Exit("completed", "done"),
    ]


@pytest.mark.parametrize(
    "behind",
    ["branch: [{key: a, when: {tag: a}, steps: []}]", "wait: {for: P1D, or_until: {tag: a}}"],
)
def test_what_looks_at_the_lead_behind_an_update_looks_at_it_afresh(behind: str) -> None:
    text = f"steps: [{{key: mark, update: {{tags: [a]}}}}, {{key: look, {behind}}}]"
    effects = decide(flow(text), fresh(), known(), NOW)
    assert effects[-1] == SleepUntil("look", NOW, NOW)
    then = decide(flow(text), fresh(position="look"), known(replace(ANA, tags={"a": NOW})), NOW)
    assert then[-1] == Exit("completed", "end")


def test_somebody_is_told_and_has_so_much_time() -> None:
    text = "steps: [{key: tell, notify: {user: bob@example.com, due: PT4H, reason: Call.}}]"
    effects = decide(flow(text), fresh(), known(), NOW)
    assert acts(effects)[0] == Notify("tell", "bob@example.com", NOW + 4 * HOUR, "Call.")
    timeless = decide(flow("steps: [{key: tell, notify: {owner: true}}]"), fresh(), known(), NOW)
    assert acts(timeless)[0] == Notify("tell")


def test_an_exit_step_ends_the_passage_in_the_regular_way() -> None:
    effects = decide(flow("steps: [{key: end, exit: {reason: thanked}}]"), fresh(), known(), NOW)
    assert effects == (
        Note("end", "completed", "thanked", "The campaign ends here for the lead."),
        Exit("completed", "thanked"),
    )


def test_a_step_that_the_version_lacks_is_an_error_that_names_it() -> None:
    with pytest.raises(NotFound, match='stands at the step "gone", which version 1 of "test"'):
        decide(flow(ONE), fresh(position="gone"), known(), NOW)


# What ends or holds a passage before anything else


SLEEPY = "steps: [{key: rest, wait: {for: P30D}}]"


def asleep(**values: Any) -> Passage:
    return fresh(**{"position": "rest", "held_until": NOW + 30 * DAY, "entered_at": NOW - 5 * DAY, **values})


def test_an_exit_condition_ends_the_passage_at_whatever_wake() -> None:
    exits = flow(SLEEPY, exit=[{"tag": "gone"}, {"lifecycle": "customer"}])
    effects = decide(exits, asleep(), known(replace(ANA, lifecycle=Lifecycle.CUSTOMER)), NOW)
    assert effects[-1] == Exit("exited", "exit_condition")
    assert effects[0] == Note(
        "rest",
        "exited",
        "exit_condition",
        "An exit condition holds: lifecycle is customer.",
        {"lifecycle is customer": "customer"},
    )


def test_an_exit_that_says_what_must_not_be_gives_its_reason() -> None:
    effects = decide(flow(SLEEPY, exit=[{"none": [{"tag": "vip"}]}]), asleep(), known(), NOW)
    assert isinstance(effects[0], Note)
    assert effects[0].sentence == 'An exit condition holds: not has the tag "vip".'


def test_the_goal_completes_the_passage_as_a_success_before_any_exit() -> None:
    campaign = flow(
        SLEEPY,
        goal={"event": "demo_requested", "where": {"form": "demo"}, "within": "P10D"},
        exit=[{"lifecycle": "lead"}],
    )
    demo = Event(7, 1, EventKind.DEMO_REQUESTED, NOW - HOUR, data={"form": "demo"})
    effects = decide(campaign, asleep(), known(ANA, demo), NOW)
    assert acts(effects) == [ReachGoal(NOW - HOUR), Exit("completed", "goal")]


@pytest.mark.parametrize(
    "event",
    [
        Event(7, 1, EventKind.DEMO_REQUESTED, NOW - 6 * DAY, data={"form": "demo"}),
        Event(7, 1, EventKind.DEMO_REQUESTED, NOW - HOUR, data={"form": "other"}),
        Event(7, 1, EventKind.QUOTE_REQUESTED, NOW - HOUR, data={"form": "demo"}),
    ],
    ids=["before it entered", "another form", "another kind"],
)
def test_what_is_not_the_goal_does_not_end_the_passage(event: Event) -> None:
    campaign = flow(SLEEPY, goal={"event": "demo_requested", "where": {"form": "demo"}, "within": "P10D"})
    assert isinstance(decide(campaign, asleep(), known(ANA, event), NOW)[-1], SleepUntil)


def test_a_goal_reached_too_late_is_not_reached() -> None:
    campaign = flow(SLEEPY, goal={"event": "demo_requested", "within": "P10D"})
    for days, reached in ((9, True), (10, False)):
        entered = NOW - days * DAY
        demo = Event(7, 1, EventKind.DEMO_REQUESTED, NOW)
        effects = decide(campaign, asleep(entered_at=entered), known(ANA, demo), NOW)
        assert isinstance(effects[-1], Exit) is reached


def test_a_goal_may_be_a_condition() -> None:
    campaign = flow(SLEEPY, goal={"when": {"tag": "won"}, "within": "P10D"})
    won = known(replace(ANA, tags={"won": NOW}))
    assert acts(decide(campaign, asleep(), won, NOW))[0] == ReachGoal(NOW)
    assert isinstance(decide(campaign, asleep(entered_at=NOW - 10 * DAY), won, NOW)[-1], SleepUntil)
    assert isinstance(decide(campaign, asleep(), known(), NOW)[-1], SleepUntil)


def test_a_goal_is_reached_once() -> None:
    campaign = flow(SLEEPY, goal={"when": {"tag": "won"}, "within": "P10D"})
    won = known(replace(ANA, tags={"won": NOW}))
    assert isinstance(decide(campaign, asleep(goal_at=NOW - DAY), won, NOW)[-1], SleepUntil)


def test_leaving_its_stage_ends_a_stage_campaign() -> None:
    moved = replace(ANA, stage=Stage.INTEREST, stage_since=NOW - DAY)
    effects = decide(flow(SLEEPY, stage="awareness"), asleep(), known(moved), NOW)
    assert effects[-1] == Exit("exited", "left_stage")
    assert isinstance(
        decide(flow(SLEEPY, stage="awareness", stay=True), asleep(), known(moved), NOW)[-1], SleepUntil
    )
    assert isinstance(decide(flow(SLEEPY, stage="awareness"), asleep(), known(), NOW)[-1], SleepUntil)


@pytest.mark.parametrize("since", [None, NOW - 6 * DAY])
def test_who_was_never_in_the_stage_has_not_left_it(since: datetime | None) -> None:
    elsewhere = replace(ANA, stage=Stage.INTEREST, stage_since=since)
    assert isinstance(
        decide(flow(SLEEPY, stage="awareness"), asleep(), known(elsewhere), NOW)[-1], SleepUntil
    )


@pytest.mark.parametrize(
    ("lead", "why"),
    [
        (replace(ANA, mailable=False), "not_mailable"),
        (replace(ANA, refused_topics=frozenset({"product"})), "topic_refused"),
    ],
)
def test_who_wants_no_mail_leaves_a_campaign_that_sends(lead: LeadView, why: str) -> None:
    text = "steps: [{key: rest, wait: {for: P30D}}, {key: one, send: {template: letters/one}}]"
    effects = decide(flow(text, topic="product"), asleep(), known(lead), NOW)
    assert effects[-1] == Exit("exited", why)
    assert isinstance(decide(flow(SLEEPY, topic="product"), asleep(), known(lead), NOW)[-1], SleepUntil)


TALKING = replace(ANA, conversation_since=NOW - HOUR)


def test_a_conversation_freezes_what_is_left_of_a_wait() -> None:
    effects = decide(flow(SLEEPY), asleep(), known(TALKING), NOW)
    assert notes(effects) == [("rest", "waits", "conversation")]
    sleep = SleepUntil("rest", NOW, NOW + DAY, held_until=NOW + 30 * DAY, frozen=30 * DAY)
    assert acts(effects) == [sleep]
    later = asleep(frozen=30 * DAY)
    assert decide(flow(SLEEPY), later, known(TALKING), NOW + DAY) == (replace(sleep, due_at=NOW + 2 * DAY),)


def test_behind_a_conversation_the_rest_of_the_wait_is_waited_for() -> None:
    effects = decide(flow(SLEEPY), asleep(frozen=4 * DAY), known(), NOW + 10 * DAY)
    assert effects == (SleepUntil("rest", NOW, NOW + 14 * DAY, held_until=NOW + 14 * DAY),)


def test_a_conversation_holds_a_send_too() -> None:
    (sleep,) = acts(decide(flow(ONE), fresh(), known(TALKING), NOW))
    assert sleep == SleepUntil(None, NOW, NOW + DAY, frozen=timedelta(0))
    over = fresh(frozen=timedelta(0))
    assert isinstance(acts(decide(flow(ONE), over, known(), NOW + DAY))[0], QueueMessage)


def test_a_wait_that_ran_out_before_the_conversation_has_nothing_left() -> None:
    (sleep,) = acts(decide(flow(SLEEPY), asleep(held_until=NOW - DAY), known(TALKING), NOW))
    assert isinstance(sleep, SleepUntil)
    assert sleep.frozen == timedelta(0)


def test_a_campaign_may_go_on_during_a_conversation() -> None:
    effects = decide(flow(ONE, on_reply="continue"), fresh(), known(TALKING), NOW)
    assert isinstance(acts(effects)[0], QueueMessage)


def test_an_exit_counts_during_a_conversation() -> None:
    exits = flow(SLEEPY, exit=[{"lifecycle": "lead"}])
    assert decide(exits, asleep(), known(TALKING), NOW)[-1] == Exit("exited", "exit_condition")


# Making ready


def test_a_window_that_names_no_zone_is_refused() -> None:
    with pytest.raises(InputError, match="Mars"):
        flow(ONE, window={"zone": "Mars/Olympus"})


def test_a_skip_is_over_when_a_new_wait_begins() -> None:
    effects = decide(flow(REST), fresh(position=None, skips=True), known(), NOW)
    assert isinstance(effects[-1], SleepUntil)
    assert effects[-1].skips is False
