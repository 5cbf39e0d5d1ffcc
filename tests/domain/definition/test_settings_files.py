"""organisation.yaml, streams.yaml and segments.yaml as values."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from nurture.domain.definition.organisation import UNNAMED, Organisation
from nurture.domain.definition.segments import Segments
from nurture.domain.definition.streams import Streams

FILES: dict[str, type[BaseModel]] = {"organisation": Organisation, "streams": Streams, "segments": Segments}
CLARA = {"slug": "default", "name": "Clara", "email": "clara@example.com", "postal_address": "1 Harbour Walk"}


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_file_is_read_and_written_back_to_an_equal_value(name: str) -> None:
    body = yaml.load(Path(f"campaigns/{name}.yaml").read_text(), yaml.BaseLoader)
    model = FILES[name]
    value = model.model_validate(body)
    assert model.model_validate(value.model_dump(mode="json", by_alias=True, exclude_unset=True)) == value


def test_identities_and_topics_are_found_by_slug() -> None:
    house = Organisation.model_validate(
        {"name": "Q", "identities": [CLARA], "topics": [{"slug": "news", "name": "News"}]}
    )
    identity, topic = house.identity("default"), house.topic("news")
    assert identity is not None
    assert identity.name == "Clara"
    assert topic is not None
    assert topic.name == "News"
    assert house.identity("sales") is None
    assert house.topic("sales") is None


def test_quiet_hours_may_run_over_midnight() -> None:
    house = Organisation.model_validate({"name": "Q", "quiet_hours": {"from": "21:00", "to": "07:00"}})
    assert house.quiet_hours is not None
    assert (house.quiet_hours.from_, house.quiet_hours.to) == ("21:00", "07:00")


def test_without_a_file_there_is_nobody_to_write_as() -> None:
    assert UNNAMED.identities == ()


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ({"identities": [CLARA, CLARA]}, 'the identity "default" is listed twice'),
        ({"topics": [{"slug": "a", "name": "A"}] * 2}, 'the topic "a" is listed twice'),
        ({"fields": [{"name": "role"}] * 2}, 'the field "role" is listed twice'),
        ({"fields": [{"name": "role", "type": "choice"}]}, "lists its choices"),
        ({"fields": [{"name": "role", "choices": ["a"]}]}, "lists its choices"),
        ({"quiet_hours": {"from": "21:00", "to": "21:00"}}, "begin and end at the same time"),
        ({"identities": [{**CLARA, "email": "clara"}]}, "email"),
        ({"budget": {"max": 0}}, "greater than or equal to 1"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"schema": "2"}, "less than or equal to 1"),
    ],
)
def test_a_wrong_organisation_is_refused_with_what_is_wrong(extra: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Organisation.model_validate({"name": "Q", **extra})


@pytest.mark.parametrize(
    ("stream", "complaint"),
    [
        ({"slug": "a"}, 'name either a "folder" or "pieces"'),
        ({"slug": "a", "folder": "x", "pieces": ["y"]}, 'name either a "folder" or "pieces"'),
        ({"slug": "a", "pieces": ["y", "y"]}, 'the piece "y" is listed twice'),
        ({"slug": "a", "folder": "x", "match": ["colour"]}, "industry"),
    ],
)
def test_a_wrong_stream_is_refused_with_what_is_wrong(stream: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Streams.model_validate({"streams": [stream]})


def test_slugs_of_streams_and_segments_are_unique() -> None:
    with pytest.raises(ValidationError, match='the stream "a" is listed twice'):
        Streams.model_validate({"streams": [{"slug": "a", "folder": "a"}] * 2})
    with pytest.raises(ValidationError, match='the segment "a" is listed twice'):
        Segments.model_validate({"segments": [{"slug": "a", "name": "A", "when": {"tag": "x"}}] * 2})
