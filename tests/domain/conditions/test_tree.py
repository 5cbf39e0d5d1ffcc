"""The condition tree: what files may say, and that it is written back as it was read."""

from typing import Any

import pytest
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from nurture.domain.conditions.tree import Condition
from tests.domain.conditions.samples import condition, trees

ADAPTER: TypeAdapter[Condition] = TypeAdapter(Condition)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "not a condition: use one of the keys all, any, none, field"),
        ("vip", "not a condition: use one of the keys"),
        ({"tag": "vip", "stage": "action"}, "Extra inputs are not permitted"),
        ({"all": [{"tags": "vip"}]}, "not a condition"),
        ({"field": "zone", "op": "known", "value": "x"}, 'operator "known" takes no value'),
        ({"field": "zone", "op": "is"}, 'operator "is" needs a value'),
        ({"field": "zone", "op": "in", "value": "x"}, 'operator "in" needs a list'),
        ({"field": "zone", "op": "is", "value": ["x"]}, 'operator "is" takes one value'),
        ({"event": "email_licked"}, '"email_licked" is not a kind of event'),
        ({"event": "email_clicked", "count": 0}, "greater than or equal to 1"),
        ({"event": "email_clicked", "within": "30 days"}, "is not a length of time"),
        ({"engagement": {}}, "give gte, lt or both"),
        ({"has_been": {}, "for": "P1D"}, "name exactly one of lifecycle, stage, tag, segment"),
        ({"has_been": {"tag": "a", "stage": "action"}, "for": "P1D"}, "name exactly one"),
        ({"lifecycle": "friend"}, "Input should be 'suspect'"),
    ],
)
def test_what_is_no_condition_is_refused(fields: Any, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(fields)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"all": [{"any": [{"tag": "vip"}]}, {"none": []}]},
        {"field": "zone", "op": "in", "value": ["a", "b"]},
        {
            "event": "email_clicked",
            "count": 2,
            "within": "P30D",
            "where": {"form": "demo", "page": ["a", "b"]},
        },
        {"lifecycle": "lead"},
        {"stage": ["interest", "decision"]},
        {"has_been": {"segment": "warm"}, "for": "P1M"},
        {"message": "clicked", "step": "hello"},
    ],
)
def test_it_is_written_back_as_it_was_read(fields: dict[str, Any]) -> None:
    written = ADAPTER.dump_python(condition(fields), mode="json", by_alias=True, exclude_defaults=True)
    assert written == fields


@given(trees)
def test_reading_what_was_written_gives_the_same_tree(tree: Condition) -> None:
    written = ADAPTER.dump_python(tree, by_alias=True)
    # Not a number is not equal to itself, so texts are compared.
    assert repr(ADAPTER.validate_python(written)) == repr(tree)
