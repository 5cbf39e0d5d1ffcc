"""References: what a condition names, and what is said when it is not there."""

from typing import Any

import pytest

from nurture.domain.conditions.references import (
    References,
    Vocabulary,
    check_segments,
    leaves,
    problems,
    references,
)
from tests.domain.conditions.samples import condition

EVERYTHING = condition(
    {
        "all": [
            {"any": [{"field": "industry", "op": "known"}, {"field": "custom.role", "op": "known"}]},
            {
                "none": [
                    {"event": "purchased"},
                    {"message": "clicked", "step": "hello"},
                    {"message": "opened"},
                ]
            },
            {"segment": "warm"},
            {"in_campaign": "welcome"},
            {"tag": "vip"},
            {"has_been": {"segment": "cold"}, "for": "P1D"},
            {"has_been": {"tag": "b2b"}, "for": "P1D"},
            {"has_been": {"stage": "action"}, "for": "P1D"},
            {"engagement": {"gte": 1}},
        ]
    }
)
VOCABULARY = Vocabulary({"role": "text"}, ("warm", "cold"), ("welcome",), ("hello",))


def test_everything_that_is_named_is_found() -> None:
    assert references(EVERYTHING) == References(
        fields=frozenset({"industry", "custom.role"}),
        segments=frozenset({"warm", "cold"}),
        tracked_segments=frozenset({"cold"}),
        campaigns=frozenset({"welcome"}),
        steps=frozenset({"hello"}),
        events=frozenset({"purchased"}),
        tags=frozenset({"vip", "b2b"}),
    )


def test_tests_come_from_left_to_right() -> None:
    tree = condition({"all": [{"tag": "a"}, {"any": [{"tag": "b"}, {"none": [{"tag": "c"}]}]}, {"tag": "d"}]})
    assert [test.tag for test in leaves(tree)] == ["a", "b", "c", "d"]  # type: ignore[union-attr] # All are tags.


def test_what_is_there_is_no_problem() -> None:
    assert problems(EVERYTHING, VOCABULARY) == ()


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ({"segment": "x"}, 'There is no segment "x". Define it in segments.yaml, or name another.'),
        ({"has_been": {"segment": "x"}, "for": "P1D"}, 'There is no segment "x". Define it in'),
        ({"in_campaign": "x"}, 'There is no campaign "x". Name one by its slug.'),
        ({"message": "clicked", "step": "x"}, 'There is no step "x" that sends. Name one by its key.'),
        ({"field": "shoe", "op": "known"}, 'There is no field "shoe".'),
        ({"engagement": {"gte": "nan"}}, "Engagement is compared with a number such as 40."),
        ({"event": "purchased", "within": "P1D", "ever": True}, 'asks for "within" and "ever" at once'),
        ({"event": "purchased", "where": {'a"b': "x"}}, 'An event has no detail "a"b"'),
        (
            {"all": [{"any": [{"all": [{"any": [{"none": [{"tag": "x"}]}]}]}]}]},
            "It is nested deeper than 5 levels. Make segments of its parts.",
        ),
        ({"all": [{"tag": "x"}] * 51}, "It has 51 tests, more than 50. Make segments of its parts."),
    ],
)
def test_what_is_missing_is_said(test: dict[str, Any], sentence: str) -> None:
    found = problems(condition(test), VOCABULARY)
    assert len(found) == 1
    assert sentence in found[0]


def test_messages_are_of_campaigns() -> None:
    for test in ({"message": "clicked"}, {"message": "clicked", "step": "hello"}):
        assert "only inside a campaign" in problems(condition(test), Vocabulary())[0]
    assert problems(condition({"message": "clicked"}), Vocabulary(steps=())) == ()


def test_a_circle_of_segments_is_found_where_it_is() -> None:
    segments = {
        "a": condition({"all": [{"segment": "b"}, {"tag": "x"}]}),
        "b": condition({"none": [{"segment": "c"}]}),
        "c": condition({"has_been": {"segment": "a"}, "for": "P1D"}),
        "itself": condition({"segment": "itself"}),
        "beside": condition({"segment": "a"}),
        "plain": condition({"any": [{"segment": "d"}, {"segment": "d"}, {"segment": "missing"}]}),
        "d": condition({"tag": "x"}),
    }
    assert check_segments(segments) == {
        "a": "It is defined by itself: a → b → c → a. Take one of them out of another.",
        "b": "It is defined by itself: b → c → a → b. Take one of them out of another.",
        "c": "It is defined by itself: c → a → b → c. Take one of them out of another.",
        "itself": "It is defined by itself: itself → itself. Take one of them out of another.",
    }


def test_segments_in_segments_may_not_grow_without_bound() -> None:
    doubling = {
        f"s{number}": condition({"any": [{"segment": f"s{number - 1}"}] * 2}) for number in range(1, 40)
    }
    held = condition({"has_been": {"segment": "s1"}, "for": "P1D"})
    found = check_segments(
        {"s0": condition({"tag": "x"}), "held": held, "lost": condition({"segment": "?"})} | doubling
    )
    assert "s7" not in found
    assert "held" not in found
    assert "it has 766 tests, over 500" in found["s8"]
    assert len(found) == 32
