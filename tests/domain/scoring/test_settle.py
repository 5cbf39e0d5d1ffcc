"""Whatever the order in which events arrive and verdicts flip, the ledger ends equal to a fresh scoring."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.definition.scoring import Scoring, exact
from nurture.domain.events import Event, Verdict
from nurture.domain.scoring.decay import total
from nurture.domain.scoring.entries import BY_HAND, Entry, standing
from nurture.domain.scoring.settle import EPOCH, settle

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)

RULES = Scoring.model_validate(
    {
        "half_life": "P30D",
        "bands": {1: 60, 2: 30, 3: 10},
        "groups": {"mail": {"cap": {"points": 12, "per": "P2D"}}},
        "rules": [
            {"key": "opened", "when": {"event": "email_opened"}, "points": 0.9, "group": "mail"},
            {
                "key": "clicked",
                "when": {"event": "email_clicked"},
                "points": 5,
                "group": "mail",
                "cap": {"points": 8, "per": "P1D"},
            },
            {
                "key": "prices",
                "when": {"event": "page_visited", "where": {"path": ["/pricing", "/plans"]}},
                "points": 8,
                "cap": {"points": 10, "per": "PT36H"},
            },
            {"key": "first-visit", "when": {"event": "page_visited"}, "points": 3, "once_per": "lead"},
            {"key": "each-click", "when": {"event": "email_clicked"}, "points": 0.5, "once_per": "none"},
            {"key": "gone", "when": {"event": "unsubscribed"}, "points": -25, "group": "mail"},
        ],
        "fit": {"grades": {"A": 70, "B": 45, "C": 20}},
    }
)


def event(number: int, kind: str, at: datetime = START, **more: object) -> Event:
    verdict = Verdict.HUMAN if kind in ("email_opened", "email_clicked") else None
    return replace(Event(id=number, lead_id=1, kind=kind, at=at, verdict=verdict), **more)  # type: ignore[arg-type]


def click(number: int, at: datetime = START, **more: object) -> Event:
    return event(number, "email_clicked", at, **more)


def append(ledger: Sequence[Entry], changes: Sequence[Entry]) -> list[Entry]:
    """Store changes as the database does: each gets an id, and (rule, dedupe key, seq) must be new."""
    stored = [*ledger]
    for change in changes:
        stored.append(replace(change, id=len(stored) + 1))
    turns = [(entry.rule, entry.dedupe_key, entry.seq) for entry in stored]
    assert len(turns) == len(set(turns))
    return stored


def scored(*events: Event) -> list[Entry]:
    return append([], settle(RULES, events, []))


def nets(ledger: Sequence[Entry], rule: str) -> list[float]:
    return [entry.net for entry in standing(ledger) if entry.rule == rule]


def summed(ledger: Sequence[Entry]) -> dict[tuple[str, int | None], float]:
    sums: defaultdict[tuple[str, int | None], float] = defaultdict(float)
    for entry in ledger:
        sums[entry.rule, entry.event_id] += entry.net
    return {key: pytest.approx(net, abs=1e-9) for key, net in sums.items() if abs(net) > 1e-9}


def test_a_machines_click_is_worth_nothing() -> None:
    assert scored(click(1, verdict=Verdict.MACHINE), click(2, verdict=Verdict.UNKNOWN)) == []
    assert nets(scored(click(1, verdict=Verdict.PROXY)), "clicked") == [5]


def test_a_message_counts_once_by_its_first_event() -> None:
    ledger = scored(click(2, START + DAY, message_id=7), click(1, START, message_id=7))

    assert [(entry.event_id, entry.net) for entry in ledger if entry.rule == "clicked"] == [(1, 5)]
    assert nets(ledger, "each-click") == [0.5, 0.5]


def test_events_without_a_message_each_count() -> None:
    assert nets(scored(click(1), click(2, START + 2 * DAY)), "clicked") == [5, 5]


def test_once_per_lead_is_once_for_ever() -> None:
    ledger = scored(event(1, "page_visited"), event(2, "page_visited", START + 100 * DAY))

    assert nets(ledger, "first-visit") == [3]


def test_details_must_be_there() -> None:
    visits = [
        event(n, "page_visited", START + n * 2 * DAY, data={"path": path})
        for n, path in enumerate(("/pricing", "/", "/plans"))
    ]

    assert nets(scored(*visits), "prices") == [8, 8]


def test_a_cap_cuts_what_is_above_it_in_its_window() -> None:
    ledger = scored(*(click(n, START + timedelta(hours=n)) for n in range(3)))

    clicked = [(entry.raw, entry.cut, entry.net) for entry in ledger if entry.rule == "clicked"]
    assert clicked == [(5, 0, 5), (5, 2, 3), (5, 5, 0)]


def test_a_groups_cap_is_shared_and_spares_what_is_negative() -> None:
    opens = [event(n, "email_opened", START + timedelta(hours=n)) for n in range(5)]
    ledger = scored(
        *opens,
        click(10, START + timedelta(hours=10)),
        click(11, START + timedelta(hours=11)),
        event(12, "unsubscribed", START + timedelta(hours=12)),
        event(13, "email_opened", START + timedelta(hours=13)),
    )

    assert nets(ledger, "clicked") == [5, pytest.approx(2.5)]
    assert nets(ledger, "gone") == [-25]
    assert nets(ledger, "opened") == [0.9] * 5 + [pytest.approx(0)]


def test_what_counts_once_is_kept_under_these_keys() -> None:
    # The keys lie in databases: others would score everything a second time.
    ledger = scored(event(1, "page_visited"), click(2, message_id=7), click(3, START + DAY))

    assert {(entry.rule, entry.dedupe_key) for entry in ledger} == {
        ("first-visit", "lead"),
        ("clicked", "message:7"),
        ("clicked", "event:3"),
        ("each-click", "event:2"),
        ("each-click", "event:3"),
    }


def test_a_late_event_resettles_its_window_by_reversing_and_appending() -> None:
    ledger = scored(click(1, START + timedelta(hours=1)), click(2, START + timedelta(hours=2)))

    changes = settle(
        RULES,
        [click(1, START + timedelta(hours=1)), click(2, START + timedelta(hours=2)), click(3, START)],
        ledger,
    )

    clicked = [
        (c.event_id, c.seq, c.net, c.reverses is not None, c.effective_at)
        for c in changes
        if c.rule == "clicked"
    ]
    assert clicked == [
        (1, 2, -5, True, START + timedelta(hours=1)),
        (2, 2, -3, True, START + timedelta(hours=2)),
        (3, 1, 5, False, START),
        (1, 3, 3, False, START + timedelta(hours=1)),
        (2, 3, 0, False, START + timedelta(hours=2)),
    ]


def test_a_revised_verdict_takes_its_entry_back_and_gives_it_again() -> None:
    ledger = scored(click(1))

    ledger = append(ledger, settle(RULES, [click(1, verdict=Verdict.MACHINE)], ledger))
    assert nets(ledger, "clicked") == []
    assert total(ledger, MONTH).value == 0  # type: ignore[union-attr]

    ledger = append(ledger, settle(RULES, [click(1)], ledger))
    assert nets(ledger, "clicked") == [5]


def test_what_stands_already_is_not_written_again() -> None:
    events = [click(1), event(2, "page_visited", data={"path": "/pricing"})]

    assert settle(RULES, events, scored(*events)) == ()


def test_entries_made_by_hand_are_left_alone() -> None:
    gift = Entry(rule=BY_HAND, dedupe_key="gift", seq=1, raw=9, cut=0, effective_at=START, id=1)

    assert settle(RULES, [], [gift]) == ()


kinds = st.sampled_from(["email_opened", "email_clicked", "page_visited", "unsubscribed", "form_submitted"])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Event], list[list[tuple[int, Verdict]]]]:
    """Events in an order of arrival, and after each some flips of verdicts."""
    count = draw(st.integers(1, 14))
    events = []
    for number in range(count):
        kind = draw(kinds)
        events.append(
            event(
                number,
                kind,
                START + timedelta(hours=draw(st.integers(0, 120))),
                message_id=draw(st.sampled_from([None, 1, 2])),
                data={"path": draw(st.sampled_from(["/pricing", "/plans", "/jobs"]))},
            )
        )
    flips = [
        draw(st.lists(st.tuples(st.integers(0, count - 1), st.sampled_from(Verdict)), max_size=2))
        for _ in range(count)
    ]
    return draw(st.permutations(events)), flips


@given(histories())
def test_any_order_of_arrival_and_any_flips_end_equal_to_a_fresh_scoring(
    history: tuple[list[Event], list[list[tuple[int, Verdict]]]],
) -> None:
    arrivals, flips = history
    known: dict[int, Event] = {}
    ledger: list[Entry] = []
    for arrived, flipped in zip(arrivals, flips, strict=True):
        known[arrived.id] = arrived
        ledger = append(ledger, settle(RULES, known.values(), ledger))
        for number, verdict in flipped:
            if number in known and known[number].verdict is not None:
                known[number] = replace(known[number], verdict=verdict)
        ledger = append(ledger, settle(RULES, known.values(), ledger))

    anew = append([], settle(RULES, known.values(), []))

    assert summed(ledger) == summed(anew)
    now = START + 10 * DAY
    scores = [total(entries, MONTH) for entries in (ledger, anew)]
    worth = [score.at(now, MONTH) if score else 0 for score in scores]
    assert worth[0] == pytest.approx(worth[1], abs=1e-9)


@given(histories())
def test_caps_are_never_exceeded(history: tuple[list[Event], list[list[tuple[int, Verdict]]]]) -> None:
    ledger = scored(*history[0])
    caps = {rule.key: rule.cap for rule in RULES.rules if rule.cap}
    used: defaultdict[tuple[str, int], float] = defaultdict(float)
    for entry in ledger:
        if (cap := caps.get(entry.rule)) is not None:
            used[entry.rule, (entry.effective_at - EPOCH) // exact(cap.per)] += entry.net
        if entry.rule in ("opened", "clicked"):
            used["mail", (entry.effective_at - EPOCH) // timedelta(days=2)] += entry.net
        assert 0 <= entry.cut <= max(0, entry.raw)

    limits = {"mail": 12.0} | {key: cap.points for key, cap in caps.items()}
    assert all(points <= limits[name] + 1e-9 for (name, _), points in used.items())
