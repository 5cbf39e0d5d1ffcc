"""Campaign definitions: what hangs together, and what does not."""

from typing import Any

import pytest
from pydantic import ValidationError

from nurture.domain.conditions.tree import TagTest
from nurture.domain.definition.campaign import CampaignDefinition, keys, walk
from nurture.domain.definition.steps import ExitStep

SEND = {"key": "s", "send": {"template": "letters/one"}}
HEAD: dict[str, Any] = {"slug": "a", "name": "A", "entry": {"manual": True}, "steps": [SEND]}
TREE = [
    {
        "key": "b",
        "branch": [{"key": "b1", "when": {"tag": "x"}, "steps": [SEND]}, {"key": "b2", "otherwise": True}],
    },
    {
        "key": "t",
        "split": [
            {"key": "t1", "weight": 1},
            {"key": "t2", "weight": 2, "steps": [{"key": "e", "exit": {}}]},
        ],
    },
]


def read(**changes: Any) -> CampaignDefinition:
    return CampaignDefinition.model_validate({**HEAD, **changes})


def test_tree_is_walked_from_top_to_bottom() -> None:
    definition = read(steps=TREE)
    assert [step.key for step in walk(definition.steps)] == ["b", "s", "t", "e"]
    assert list(keys(definition.steps)) == ["b", "b1", "s", "b2", "t", "t1", "t2", "e"]


def test_one_exit_may_stand_without_a_list() -> None:
    assert read(exit={"tag": "x"}).exit == (TagTest(tag="x"),)
    assert read(exit=[{"tag": "x"}]) == read(exit=({"tag": "x"},))


def test_schema_may_come_as_text() -> None:
    assert read(schema="1") == read(schema=1) == read()


def test_values_are_read_again_as_they_are() -> None:
    definition = read(steps=TREE)
    assert CampaignDefinition.model_validate(dict(definition)) == definition
    assert isinstance(read(steps=[ExitStep.model_validate({"key": "e", "exit": {}})]).steps[0], ExitStep)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": [SEND, SEND]}, 'the key "s" is used twice'),
        ({"entry": {}}, "give exactly one of when, event, schedule, manual"),
        ({"entry": {"manual": True, "event": "purchased"}}, "give exactly one of"),
        ({"entry": {"schedule": {"cron": "0 9 * * *"}}}, "schedule and audience belong together"),
        ({"entry": {"manual": True, "where": {"a": "b"}}}, '"where" belongs to an event'),
        (
            {
                "entry": {
                    "schedule": {"cron": "0 9 * * *"},
                    "audience": {"segment": "a", "when": {"tag": "x"}},
                }
            },
            'give either "segment" or "when"',
        ),
        ({"goal": {}}, 'give either "event" or "when"'),
        ({"goal": {"event": "purchased", "when": {"tag": "x"}}}, 'give either "event" or "when"'),
        ({"window": {"from": "09:00", "to": "09:00"}}, "never opens"),
        ({"steps": [{"key": "s", "send": {}}]}, "name either a template or a stream"),
        (
            {"steps": [{"key": "s", "send": {"template": "a", "stream": "b"}}]},
            "name either a template or a stream",
        ),
        ({"steps": [{"key": "s", "send": {"template": "a", "pick": "next"}}]}, "belong to a stream"),
        ({"steps": [{"key": "s", "send": {"stream": "a", "until": 3}}]}, '"until" needs "every"'),
        ({"steps": [{"key": "s", "wait": {}}]}, 'give either "for" or "until"'),
        ({"steps": [{"key": "s", "wait": {"until": {"date": "2027-02-30"}}}]}, "no day of the calendar"),
        (
            {"steps": [{"key": "s", "wait": {"until": {"date": "2027-02-28", "weekday": "mon"}}}]},
            'give either "weekday" or "date"',
        ),
        ({"steps": [{"key": "s", "notify": {}}]}, "say whom"),
        ({"steps": [{"key": "s", "update": {"set": {"stage": "x"}}}]}, "not a valid Stage"),
        (
            {"steps": [{"key": "s", "branch": [{"key": "b", "steps": []}]}]},
            'give either "when" or "otherwise: true"',
        ),
        (
            {"steps": [{"key": "s", "split": [{"key": "a", "weight": 0}, {"key": "b", "weight": 0}]}]},
            "above 0",
        ),
        ({"steps": [{"key": "s", "dance": {}}]}, "not a step: use one of the keys"),
        ({"steps": ["x"]}, "not a step"),
    ],
)
def test_what_does_not_hang_together_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        read(**changes)
