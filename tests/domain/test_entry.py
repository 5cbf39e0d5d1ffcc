"""Who may enter a campaign, and enter it again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.definition.campaign import Entry
from nurture.domain.entry import NotAgain, Passed, may_enter, next_cause

NOW = datetime(2026, 3, 30, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LISBON = ZoneInfo("Europe/Lisbon")


def entry(**body: Any) -> Entry:
    return Entry.model_validate({"when": {"lifecycle": "lead"}, **body})


def over(days_ago: int) -> Passed:
    return Passed("condition:1", "completed", NOW - (days_ago + 1) * DAY, NOW - days_ago * DAY)


RUNNING = Passed("condition:1", "active", NOW - DAY, None)
HELD_OUT = Passed("condition:1", "holdout", NOW - 9 * DAY, NOW - 9 * DAY)


def may(passages: list[Passed], **body: Any) -> NotAgain | None:
    return may_enter(entry(**body), passages, NOW, LISBON)


def test_who_never_was_in_may_enter() -> None:
    assert may([]) is None


def test_nobody_is_in_a_campaign_twice_at_a_time() -> None:
    for reentry in ("never", "always", {"after": "P1D"}):
        assert may([over(50), RUNNING], reentry=reentry) == NotAgain("already_in")
    scheduled = Entry.model_validate({"schedule": {"cron": "0 9 1 * *"}, "audience": {"segment": "all"}})
    assert may_enter(scheduled, [RUNNING], NOW, LISBON) == NotAgain("already_in")


def test_never_again_is_never_again() -> None:
    assert may([over(1000)]) == NotAgain("had_it")
    assert may([HELD_OUT]) == NotAgain("had_it")


def test_always_is_at_once() -> None:
    assert may([over(0)], reentry="always") is None


def test_after_some_time_by_the_leads_calendar() -> None:
    # Lisbon's clocks went forward on 29 March.
    ended = Passed("condition:1", "completed", NOW - 5 * DAY, datetime(2026, 3, 27, 11, 0, tzinfo=UTC))
    assert may([ended], reentry={"after": "P3D"}) is None
    assert may([ended], reentry={"after": "P4D"}) == NotAgain(
        "too_soon", datetime(2026, 3, 31, 10, 0, tzinfo=UTC)
    )


def test_the_last_passage_counts() -> None:
    assert may([over(1), over(50)], reentry={"after": "P30D"}) == NotAgain("too_soon", NOW + 29 * DAY)


def test_every_instant_of_a_schedule_is_a_reason_of_its_own() -> None:
    scheduled = Entry.model_validate({"schedule": {"cron": "0 9 1 * *"}, "audience": {"segment": "all"}})
    assert may_enter(scheduled, [over(1)], NOW, LISBON) is None


def test_causes_by_condition_are_counted() -> None:
    assert next_cause([]) == "condition:1"
    assert next_cause([over(3), Passed("manual:x", "completed", NOW, NOW), over(1)]) == "condition:3"
