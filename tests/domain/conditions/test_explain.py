"""Explanations: what a marketer reads about a lead and a condition."""

from datetime import timedelta
from typing import Any

import pytest

from nurture.domain.conditions.evaluate import Scope
from nurture.domain.conditions.explain import describe, duration_in_words, explain
from nurture.domain.timing.durations import Duration
from nurture.domain.values import CompanyView, Grade, Lifecycle, Score, Stage
from tests.domain.conditions.samples import NOW, condition, event, lead, snapshot

SOMEBODY = lead(
    lifecycle=Lifecycle.FORMER_CUSTOMER,
    lifecycle_since=NOW - timedelta(days=40),
    stage=Stage.INTEREST,
    fit=Grade.B,
    score=Score(60, NOW - timedelta(days=30)),
    tags={"vip": NOW, "b2b": NOW},
    campaigns=frozenset({"welcome"}),
    company=CompanyView(7, industry="health"),
    fields={"trial": True, "seats": 12},
)
KNOWN = snapshot(
    SOMEBODY,
    event("form_submitted", id=1, days_ago=3),
    event("form_submitted", id=2, days_ago=1),
    event("email_clicked", id=3, days_ago=1, verdict="human", enrollment_id=5, step="hello"),
    former=condition({"lifecycle": "former_customer"}),
)


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (
            {"field": "industry", "op": "is", "value": "logistics"},
            'industry is "logistics" – seen: "health"',
        ),
        ({"field": "industry", "op": "unknown"}, 'industry is not known – seen: "health"'),
        (
            {"field": "company_size", "op": "in", "value": ("1-9", "1000+")},
            'company size is one of "1-9", "1000+" – seen: not known',
        ),
        ({"field": "custom.trial", "op": "is_not", "value": True}, "trial is not true – seen: true"),
        ({"field": "custom.trial", "op": "is", "value": False}, "trial is false – seen: true"),
        ({"field": "custom.seats", "op": "gte", "value": 5}, "seats is at least 5 – seen: 12"),
        (
            {"event": "form_submitted", "count": 2, "within": "P30D", "where": {"form": ["a", "b"]}},
            'form submitted at least 2 times within 30 days, form is "a" or "b" – seen: never',
        ),
        ({"event": "form_submitted"}, "form submitted – seen: 2 times, last on 2026-03-30"),
        ({"event": "custom:demo_watched"}, "demo watched – seen: never"),
        (
            {"message": "clicked", "step": "hello"},
            'clicked the message of "hello" – seen: 1 time, last on 2026-03-30',
        ),
        ({"message": "replied"}, "replied to a message of this campaign – seen: never"),
        ({"engagement": {"gte": 40}}, "engagement is at least 40 – seen: 30.0"),
        ({"engagement": {"gte": 2.5, "lt": 40}}, "engagement is at least 2.5 and below 40 – seen: 30.0"),
        ({"engagement": {"lt": 40}}, "engagement is below 40 – seen: 30.0"),
        ({"fit": {"at_least": "A"}}, "fit is A or better – seen: B"),
        (
            {"lifecycle": ["lead", "former_customer"]},
            "lifecycle is lead or former customer – seen: former customer",
        ),
        ({"stage": "action"}, "stage is action – seen: interest"),
        ({"stage": []}, "stage is nothing – seen: interest"),
        ({"tag": "x"}, 'has the tag "x" – seen: "b2b", "vip"'),
        ({"in_campaign": "offer"}, 'is in the campaign "offer" – seen: "welcome"'),
        (
            {"has_been": {"lifecycle": "former_customer"}, "for": "P30D"},
            "has been former customer for 30 days – seen: since 2026-02-19",
        ),
        (
            {"has_been": {"stage": "interest"}, "for": "P1M"},
            "has been in the stage interest for 1 month – seen: not now, or nobody knows since when",
        ),
        (
            {"has_been": {"tag": "vip"}, "for": "PT4H"},
            'has had the tag "vip" for 4 hours – seen: since 2026-03-31',
        ),
        (
            {"has_been": {"segment": "former"}, "for": "P1D"},
            'has been in the segment "former" for 1 day – seen: not now, or nobody knows since when',
        ),
    ],
)
def test_sentences(test: dict[str, Any], sentence: str) -> None:
    assert str(explain(condition(test), KNOWN, NOW, Scope(enrollment_id=5))) == sentence


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ({"engagement": {"gte": 40}}, "engagement is at least 40 – seen: 0.0"),
        ({"tag": "x"}, 'has the tag "x" – seen: no tags'),
        ({"in_campaign": "offer"}, 'is in the campaign "offer" – seen: no campaign'),
    ],
)
def test_of_somebody_new_there_is_little_to_see(test: dict[str, Any], sentence: str) -> None:
    assert str(explain(condition(test), snapshot(lead()), NOW)) == sentence


def test_a_tree_is_explained_part_by_part() -> None:
    tree = condition(
        {"all": [{"segment": "former"}, {"any": []}, {"none": [{"tag": "x"}, {"stage": "action"}]}]}
    )
    clause = explain(tree, KNOWN, NOW)
    segment, anything, nothing = clause.children
    assert (str(clause), clause.truth) == ("all of these", False)
    assert (str(segment), segment.truth) == ('is in the segment "former"', True)
    assert [str(child) for child in segment.children] == [
        "lifecycle is former customer – seen: former customer"
    ]
    assert (anything.text, anything.truth) == ("any of these", False)
    assert (nothing.text, nothing.truth) == ("none of these", True)
    assert [child.truth for child in nothing.children] == [False, False]


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ("P1Y2M", "1 year 2 months"),
        ("P1DT1H", "1 day 1 hour"),
        ("PT90S", "1 minute 30 seconds"),
        ("P0D", "no time"),
    ],
)
def test_lengths_of_time_in_words(length: str, words: str) -> None:
    assert duration_in_words(Duration.parse(length)) == words


def test_a_condition_can_be_described_without_a_lead() -> None:
    assert describe(condition({"field": "custom.renewal", "op": "before", "value": "2026-06-01"})) == (
        'renewal is before "2026-06-01"'
    )
