"""The score as people see it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.definition.scoring import Scoring
from nurture.domain.scoring.decay import total
from nurture.domain.scoring.entries import Entry, reversal
from nurture.domain.scoring.shown import (
    HELD_AT_ZERO,
    explain_score,
    explain_shortfall,
    rating,
    shown,
    shows_from,
)
from nurture.domain.values import Grade

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
BANDS = {"1": 60.0, "2": 30.0, "3": 10.0}


def entry(net: float, days_ago: float = 0, **more: object) -> Entry:
    values: dict[str, object] = {"rule": "r", "dedupe_key": "k", "seq": 1, "raw": net, "cut": 0.0, "id": 1}
    return Entry(effective_at=NOW - timedelta(days=days_ago), **(values | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engagement", "seen"), [(-3.2, 0), (0.04, 0), (0.05, 0.1), (59.94, 59.9), (59.95, 60.0), (7, 7)]
)
def test_the_score_is_shown_with_one_decimal_and_never_below_zero(engagement: float, seen: float) -> None:
    assert shown(engagement) == seen


@given(st.floats(-50, 150), st.integers(1, 1000))
def test_it_is_known_from_where_on_a_score_is_shown(engagement: float, tenths: int) -> None:
    points = tenths / 10

    shows = shown(engagement) >= points
    assert shows == (engagement >= shows_from(points)) or engagement == pytest.approx(shows_from(points))


def test_a_score_is_shown_from_half_a_tenth_below() -> None:
    assert (shows_from(60), shows_from(0.1)) == (59.95, 0.05)
    assert (shown(59.95), shown(59.94)) == (60.0, 59.9)


@pytest.mark.parametrize(
    ("fit", "engagement", "word"),
    [
        (Grade.A, 60, "A1"),
        (Grade.B, 59.96, "B1"),
        (Grade.C, 59.9, "C2"),
        (Grade.D, 10, "D3"),
        (Grade.UNKNOWN, -5, "–4"),
    ],
)
def test_the_rating_joins_fit_and_band(fit: Grade, engagement: float, word: str) -> None:
    assert rating(fit, engagement, BANDS) == word  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(-300, 300), st.floats(0, 200)), max_size=20))
def test_rows_add_up_to_the_score_shown(ledger: list[tuple[int, float]]) -> None:
    entries = [entry(net / 10, days, id=number) for number, (net, days) in enumerate(ledger, start=1)]

    rows = explain_score(entries, NOW, MONTH)

    score = total(entries, MONTH)
    engagement = score.at(NOW, MONTH) if score else 0.0
    assert sum(round(row.points * 10) for row in rows) == round(shown(engagement) * 10)
    worth = {row.entry.id: row.points for row in rows if row.entry}
    for one in entries:
        assert worth[one.id] == pytest.approx(one.net * 2 ** -((NOW - one.effective_at) / MONTH), abs=0.1001)


def test_rows_are_the_entries_that_stand_newest_first() -> None:
    taken_back = entry(5, 3, id=2)
    entries = [entry(8, 30, id=1), taken_back, reversal(taken_back, seq=2), entry(1, 0, id=4)]

    rows = explain_score(entries, NOW, MONTH)

    assert [(row.entry.id, row.rule, row.points) for row in rows if row.entry] == [
        (4, "r", 1.0),
        (1, "r", 4.0),
    ]


def test_of_one_moment_the_entry_recorded_last_stands_first() -> None:
    rows = explain_score([entry(1, id=1), entry(2, id=2)], NOW, MONTH)

    assert [row.points for row in rows] == [2, 1]


def test_rounding_goes_to_the_largest_remainders() -> None:
    # 12.6, 12.3 and 12.1 tenths are 37 together: the one that is left over goes to the first.
    rows = explain_score([entry(1.26, id=1), entry(1.23, id=2), entry(1.21, id=3)], NOW, MONTH)

    assert {row.entry.id: row.points for row in rows if row.entry} == {1: 1.3, 2: 1.2, 3: 1.2}


def test_without_points_there_is_nothing_to_lift() -> None:
    assert explain_score([], NOW, MONTH) == ()
    assert [row.points for row in explain_score([entry(2), entry(-2, id=2)], NOW, MONTH)] == [-2, 2]


def test_a_score_below_zero_is_lifted_by_a_row_that_says_so() -> None:
    rows = explain_score([entry(-4), entry(1, id=2)], NOW, MONTH)

    assert (rows[-1].rule, rows[-1].points, rows[-1].entry) == (HELD_AT_ZERO, 3.0, None)


def rules(*points: float) -> Scoring:
    return Scoring.model_validate(
        {
            "bands": {1: 60, 2: 30, 3: 10},
            "rules": [
                {"key": f"worth-{worth}", "when": {"event": "form_submitted"}, "points": worth}
                for worth in points
            ],
            "fit": {"grades": {"A": 70, "B": 45, "C": 20}},
        }
    )


def test_a_shortfall_names_what_faded_what_was_cut_and_what_would_do() -> None:
    entries = [entry(20, 30), entry(10, 0, id=2, raw=15, cut=5)]

    shortfall = explain_shortfall(rules(50, 5, 30), entries, 50, NOW)

    assert shortfall is not None
    assert shortfall.target == 50
    assert (shortfall.missing, shortfall.faded, shortfall.cut) == (30, 10, 5)
    assert shortfall.would_do == ("worth-30", "worth-50")


def test_nothing_is_short_of_what_is_reached() -> None:
    assert explain_shortfall(rules(), [entry(49.96)], 50, NOW) is None
