"""lifecycle.yaml: what is refused, and that what is read can be written again."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from nurture.domain.definition.defaults import DEFAULT_LADDERS
from nurture.domain.definition.ladders import Ladders
from nurture.domain.values import Lifecycle, Stage

RULE = {"key": "up", "from": "suspect", "to": "lead", "when": {"event": "form_submitted"}}


def with_rules(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "1", "lifecycle": {"rules": list(rules)}}


def test_one_rung_or_many_may_be_left() -> None:
    read = Ladders.model_validate(with_rules(RULE, {**RULE, "key": "again", "from": ["suspect", "prospect"]}))

    assert read.lifecycle.rules[0].from_ == (Lifecycle.SUSPECT,)
    assert read.lifecycle.rules[1].from_ == (Lifecycle.SUSPECT, Lifecycle.PROSPECT)
    assert read.lifecycle.rules[0].title == "up"


def test_what_is_read_can_be_written_and_read_again() -> None:
    read = Ladders.model_validate(
        {**with_rules({**RULE, "name": "Up", "dwell": "P3D"}), "pairs": {"lead": "interest"}}
    )

    for one in (read, DEFAULT_LADDERS):
        dumped = json.dumps(one.model_dump(mode="json", by_alias=True, exclude_none=True))
        assert Ladders.model_validate(json.loads(dumped)) == one
    assert read.lifecycle.rules[0].title == "Up"


def test_without_pairs_every_stage_goes_with_every_lifecycle() -> None:
    read = Ladders.model_validate({"pairs": {"lead": ["interest"]}})

    assert read.allowed(Lifecycle.LEAD) == (Stage.INTEREST,)
    assert read.allowed(Lifecycle.CUSTOMER) == tuple(Stage)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (with_rules(RULE, RULE), 'the rule "up" is listed twice'),
        (with_rules({**RULE, "to": "suspect"}), 'leads from "suspect" to itself'),
        (with_rules({**RULE, "to": "interest"}), "Input should be"),
        (with_rules({**RULE, "from": []}), "at least 1 item"),
        (with_rules({**RULE, "dwell": "P1M"}), "has no exact length"),
        (with_rules({**RULE, "when": {"message": "opened"}}), "a ladder knows no campaign's messages"),
        (
            {"pairs": {"customer": ["action"]}, "on_lifecycle": {"customer": "interest"}},
            'gives "customer" the stage "interest", which pairs does not allow',
        ),
        ({"pairs": {"customer": []}}, "at least 1 item"),
    ],
)
def test_what_makes_no_sense_is_refused(file: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Ladders.model_validate(file)
