"""Events that are processed together move a lead as if each had been processed when it happened."""

from datetime import UTC, datetime, timedelta
from typing import Any

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.definition.defaults import DEFAULT_LADDERS
from nurture.domain.definition.ladders import Ladders
from nurture.domain.events import Event
from nurture.domain.lifecycle.climb import climb
from nurture.domain.lifecycle.moves import Move
from nurture.domain.scoring.entries import Entry
from nurture.domain.values import Grade, LeadView, Lifecycle, Stage

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
MONTH = timedelta(days=30)


def snapshot(*events: tuple[str, datetime], **more: Any) -> Snapshot:
    values: dict[str, Any] = {"id": 1, "address": "a@example.com", "created_at": NOW - 365 * HOUR}
    known = tuple(Event(id=n, lead_id=1, kind=kind, at=at) for n, (kind, at) in enumerate(events))
    return Snapshot(lead=LeadView(**(values | more)), events=known, half_life=MONTH)


def entry(points: float, at: datetime) -> Entry:
    return Entry(rule="r", dedupe_key="k", seq=1, raw=points, cut=0, effective_at=at)


def told(moves: tuple[Move, ...]) -> list[tuple[str, datetime]]:
    return [(one.to.value, one.at) for one in moves]


def test_each_event_moves_at_its_own_time() -> None:
    came, asked = NOW - 3 * HOUR, NOW - HOUR
    seen = snapshot(("form_submitted", came), ("demo_requested", asked))

    moves = climb(seen, [], DEFAULT_LADDERS, reversed(seen.events), NOW)

    assert told(moves) == [("lead", came), ("prospect", asked), ("decision", asked)]
    assert [one.event_id for one in moves] == [0, 1, 1]


def test_the_score_is_the_one_of_that_time() -> None:
    rules = Ladders.model_validate(
        {
            "lifecycle": {
                "rules": [
                    {
                        "key": "warm",
                        "from": "suspect",
                        "to": "lead",
                        "when": {"all": [{"event": "form_submitted"}, {"engagement": {"gte": 10}}]},
                    }
                ]
            }
        }
    )
    first, second = NOW - 3 * HOUR, NOW - HOUR
    seen = snapshot(("form_submitted", first), ("form_submitted", second))

    moves = climb(seen, [entry(6, second), entry(6, first)], rules, seen.events, NOW)

    assert told(moves) == [("lead", second)]


def test_what_time_has_brought_is_seen_now() -> None:
    seen = snapshot(lifecycle=Lifecycle.LEAD, fit=Grade.A)

    moves = climb(seen, [entry(50, NOW - HOUR)], DEFAULT_LADDERS, [], NOW)

    assert ("prospect", NOW) in told(moves)
    assert {one.event_id for one in moves} == {None}


def test_an_event_from_before_the_rung_moves_nobody() -> None:
    late = NOW - 3 * HOUR
    seen = snapshot(
        ("demo_requested", late), lifecycle=Lifecycle.LEAD, lifecycle_since=NOW - HOUR, stage_since=NOW - HOUR
    )

    assert climb(seen, [], DEFAULT_LADDERS, seen.events, NOW) == ()


def test_what_happens_this_very_moment_moves_once() -> None:
    seen = snapshot(("consent_given", NOW))

    moves = climb(seen, [], DEFAULT_LADDERS, seen.events, NOW)

    assert [(one.to.value, one.event_id) for one in moves] == [("lead", 0)]


def test_what_has_not_happened_yet_moves_nobody() -> None:
    seen = snapshot(("demo_requested", NOW + HOUR))

    assert climb(seen, [entry(90, NOW + HOUR)], DEFAULT_LADDERS, seen.events, NOW) == ()


def test_a_stage_that_was_reached_on_the_way_is_kept() -> None:
    clicked = NOW - HOUR
    seen = snapshot(("email_clicked", clicked), lifecycle=Lifecycle.LEAD, stage=Stage.AWARENESS)

    # Nobody judged the click, so it is no evidence; a download is.
    assert climb(seen, [], DEFAULT_LADDERS, seen.events, NOW) == ()
    downloaded = snapshot(("asset_downloaded", clicked), lifecycle=Lifecycle.LEAD)
    assert told(climb(downloaded, [], DEFAULT_LADDERS, downloaded.events, NOW)) == [("interest", clicked)]
