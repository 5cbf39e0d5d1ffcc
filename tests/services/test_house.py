"""The rules of the house: what was applied last, and built-in rules for what was not."""

from datetime import timedelta

from nurture.domain.conditions.tree import TagTest
from nurture.domain.definition.defaults import DEFAULT_LADDERS, DEFAULT_SCORING
from nurture.domain.definition.organisation import UNNAMED
from nurture.services.generations import install
from nurture.services.house import House, load_house
from nurture.store.base import reading
from tests.support.stage import Stage


def load(stage: Stage) -> House:
    with reading(stage.engine) as session:
        return load_house(session)


def test_what_was_not_applied_is_built_in(stage: Stage) -> None:
    house = load(stage)

    assert (house.scoring, house.ladders, house.organisation) == (DEFAULT_SCORING, DEFAULT_LADDERS, UNNAMED)
    assert (house.segments, house.streams, house.field_types) == ({}, {}, {})
    assert (house.active, house.building, house.generations) == (None, None, ())
    assert house.half_life == timedelta(days=30)


def test_what_was_applied_counts(stage: Stage) -> None:
    before = load(stage)
    stage.document("segments", "segments: [{slug: vips, name: VIPs, when: {tag: vip}}]")
    stage.document("organisation", "{name: Quillstead, fields: [{name: role, type: text}]}")
    stage.document("streams", "streams: [{slug: news, folder: newsletters}]")

    house = load(stage)

    assert house.digest != before.digest
    assert house.segments == {"vips": TagTest(tag="vip")}
    assert house.field_types == {"role": "text"}
    assert house.streams["news"].folder == "newsletters"


def test_the_half_life_is_that_of_the_rules_that_count(stage: Stage) -> None:
    rules = 'bands: {"1": 60, "2": 30, "3": 10}\nfit: {grades: {A: 3, B: 2, C: 1}}\nhalf_life: '
    stage.document("scoring", f"{rules}P10D")
    stage.write(lambda session: install(session, stage.now))
    stage.document("scoring", f"{rules}P20D")

    house = load(stage)

    assert house.half_life == timedelta(days=10)
    assert house.scoring.half_life_exact == timedelta(days=20)


def test_the_same_rules_are_read_once(stage: Stage) -> None:
    assert load(stage) is load(stage)
