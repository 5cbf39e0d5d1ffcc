"""scoring.yaml: what is refused, and that what is read can be written again."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from nurture.domain.definition.defaults import DEFAULT_SCORING
from nurture.domain.definition.scoring import Scoring

GRADES = {"A": "70", "B": "45", "C": "20"}
RULE = {"key": "clicked", "when": {"event": "email_clicked"}, "points": "5"}
FIT_RULE = {"key": "retail", "when": {"field": "company.industry", "value": "retail"}, "points": "30"}


def scoring(**parts: Any) -> dict[str, Any]:
    return {"bands": {"1": "60", "2": "30", "3": "10"}, "rules": [RULE], "fit": {"grades": GRADES}, **parts}


def test_a_file_of_texts_is_typed() -> None:
    read = Scoring.model_validate(scoring(schema="1", half_life="P14D"))

    assert read.half_life_exact == timedelta(days=14)
    assert (read.rules[0].points, read.rules[0].title, read.rules[0].once_per) == (5.0, "clicked", "message")
    assert read.bands == {"1": 60, "2": 30, "3": 10}


def test_bands_may_be_named_by_numbers() -> None:
    assert Scoring.model_validate(scoring(bands={1: 60, 2: 30, 3: 10})).bands["1"] == 60


def test_what_is_read_can_be_written_and_read_again() -> None:
    groups = {"mail": {"cap": {"points": 12, "per": "P1D"}}}
    read = Scoring.model_validate(
        scoring(
            groups=groups,
            rules=[{**RULE, "group": "mail", "name": "Clicked", "cap": {"points": 8, "per": "PT12H"}}],
            fit={"grades": GRADES, "rules": [FIT_RULE]},
        )
    )

    for one in (read, DEFAULT_SCORING):
        dumped = json.dumps(one.model_dump(mode="json", by_alias=True, exclude_none=True))
        assert Scoring.model_validate(json.loads(dumped)) == one


def test_a_rule_is_found_by_its_key() -> None:
    read = Scoring.model_validate(scoring(rules=[{**RULE, "name": "Clicked a link"}]))

    rule = read.rule("clicked")
    assert rule is not None
    assert rule.title == "Clicked a link"
    assert read.rule("other") is None


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"half_life": "P1M"}, "has no exact length"),
        ({"half_life": "P4000D"}, "has no exact length"),
        ({"half_life": "PT0S"}, "has no exact length"),
        ({"bands": {"1": 60, "2": 30}}, "bands name the least engagement"),
        ({"bands": {"1": 30, "2": 60, "3": 10}}, "bands name the least engagement"),
        ({"bands": {"1": 60, "2": 30, "3": 0}}, "bands name the least engagement"),
        ({"bands": [60, 30, 10]}, "valid dictionary"),
        ({"rules": [RULE, RULE]}, 'the rule "clicked" is listed twice'),
        ({"rules": [{**RULE, "group": "web"}]}, 'in the group "web", which is not listed'),
        ({"rules": [{**RULE, "when": {"event": "email_clicked", "within": "P1D"}}]}, "Extra inputs"),
        ({"rules": [{**RULE, "points": "nan"}]}, "finite number"),
        ({"rules": [{**RULE, "cap": {"points": 0, "per": "P1D"}}]}, "greater than 0"),
        ({"fit": {"grades": {"A": 10, "B": 45, "C": 20}}}, "grades must fall"),
        ({"fit": {"grades": GRADES, "rules": [FIT_RULE, FIT_RULE]}}, 'fit rule "retail" is listed twice'),
        ({"fit": {"grades": GRADES, "rules": [{**FIT_RULE, "when": {"tag": "x"}}]}}, "about fields only"),
        ({"fit": {"grades": GRADES, "rules": [{**FIT_RULE, "when": {"all": []}}]}}, "at least one field"),
    ],
)
def test_what_makes_no_sense_is_refused(part: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Scoring.model_validate(scoring(**part))


def test_fit_rules_have_titles() -> None:
    named = {**FIT_RULE, "key": "named", "name": "In retail"}
    read = Scoring.model_validate(scoring(fit={"grades": GRADES, "rules": [FIT_RULE, named]}))

    assert [rule.title for rule in read.fit.rules] == ["retail", "In retail"]
