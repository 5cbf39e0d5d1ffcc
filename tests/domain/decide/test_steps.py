"""What waits, branches, splits, updates, notices and exits do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.decide import (
    Effect,
    Exit,
    Note,
    Notify,
    QueueMessage,
    SleepUntil,
    Update,
    decide,
)
from nurture.domain.errors import InputError, NotFound
from nurture.domain.values import Score
from tests.domain.decide.scenes import ANA, DAY, HOUR, NOW, ONE, acts, click, flow, fresh, known, notes

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


def test_a_window_that_names_no_zone_is_refused() -> None:
    with pytest.raises(InputError, match="Mars"):
        flow(ONE, window={"zone": "Mars/Olympus"})


def test_a_skip_is_over_when_a_new_wait_begins() -> None:
    effects = decide(flow(REST), fresh(position=None, skips=True), known(), NOW)
    assert isinstance(effects[-1], SleepUntil)
    assert effects[-1].skips is False
