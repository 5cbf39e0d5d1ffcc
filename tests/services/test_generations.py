"""New scoring rules are built beside those that count, and counted from one moment to the next."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from nurture.clock import FixedClock
from nurture.domain.definition.defaults import DEFAULT_SCORING
from nurture.domain.definition.scoring import Scoring
from nurture.domain.errors import ConflictError
from nurture.services.generations import begin, build, distribution, install, switch
from nurture.services.house import load_house
from nurture.services.scores import Adjustment, adjust
from nurture.store.base import reading
from nurture.store.schema import Generation, Recheck, ScoreEntry, ScoreRow
from tests.services.test_process import CLICK, House

LIVELY = DEFAULT_SCORING.model_copy(
    update={
        "rules": tuple(
            rule.model_copy(update={"points": 40.0, "group": None}) if rule.key == "clicked-email" else rule
            for rule in DEFAULT_SCORING.rules
        )
    }
)


@pytest.fixture
def house(engine: Engine, clock: FixedClock, tmp_path: Path) -> House:
    """An empty house with the built-in rules."""
    return House(engine, clock, tmp_path)


def clicked(house: House, leads: int) -> list[int]:
    """Leads who clicked once, which was processed by the built-in rules."""
    found = [house.lead() for _ in range(leads)]
    for lead in found:
        house.record(lead, CLICK)
    house.process()
    return found


def values(house: House, generation: int) -> dict[int, float]:
    return {row.lead_id: row.value for row in house.rows(ScoreRow, generation=generation)}


def statuses(house: House) -> dict[int, str]:
    return {row.id: row.status for row in house.rows(Generation)}


def test_the_first_rules_count_at_once(house: House) -> None:
    house.write(lambda session: install(session, house.now))
    house.write(lambda session: install(session, house.now))

    (row,) = house.rows(Generation)
    assert (row.id, row.status, row.half_life_seconds) == (1, "active", 30 * 86400)
    assert Scoring.model_validate(row.rules) == DEFAULT_SCORING


def test_rules_that_score_alike_need_no_generation(house: House) -> None:
    clicked(house, 1)
    renamed = DEFAULT_SCORING.model_copy(update={"bands": {"1": 90.0, "2": 30.0, "3": 10.0}})

    assert begin(house.runtime, renamed, house.now) is None
    assert statuses(house) == {1: "active"}


def test_where_nothing_was_scored_new_rules_count_at_once(house: House) -> None:
    house.write(lambda session: install(session, house.now))

    assert begin(house.runtime, LIVELY, house.now) == 2
    assert statuses(house) == {1: "retired", 2: "active"}


def test_rules_are_built_in_pieces_while_events_feed_both(house: House) -> None:
    leads = clicked(house, 5)
    assert begin(house.runtime, LIVELY, house.now) == 2

    assert build(house.runtime, house.now, 2) == 2
    for lead in (leads[0], leads[4]):
        house.record(lead, CLICK, house.now.replace(hour=1), message_id=9)
    house.process()
    while build(house.runtime, house.now, 2):
        pass

    assert statuses(house) == {1: "active", 2: "built"}
    older = 2 ** -(9 / 24 / 30)
    assert values(house, 1) == pytest.approx(
        dict.fromkeys(leads, 8) | dict.fromkeys((leads[0], leads[4]), 15), abs=0.1
    )
    assert values(house, 2) == pytest.approx(
        dict.fromkeys(leads, 40) | dict.fromkeys((leads[0], leads[4]), 40 + 40 * older)
    )


def test_switching_is_one_step_and_has_every_lead_looked_at_again(house: House) -> None:
    (lead,) = clicked(house, 1)
    house.write(lambda session: session.query(Recheck).delete())
    begin(house.runtime, LIVELY, house.now)
    house.process()

    assert switch(house.runtime, house.now) == 2

    assert statuses(house) == {1: "retired", 2: "active"}
    assert [row.lead_id for row in house.rows(Recheck)] == [lead]
    with reading(house.engine) as session:
        active = load_house(session).active
    assert active is not None
    assert (active.id, active.scoring) == (2, LIVELY)


def test_nothing_unbuilt_is_switched_to(house: House) -> None:
    clicked(house, 1)
    begin(house.runtime, LIVELY, house.now)

    with pytest.raises(ConflictError, match="No scoring rules are ready"):
        switch(house.runtime, house.now)


def test_the_distribution_before_and_after_is_known_before_switching(house: House) -> None:
    clicked(house, 3)
    house.lead()
    begin(house.runtime, LIVELY, house.now)
    house.process()

    with reading(house.engine) as session:
        seen = distribution(session, house.now)

    assert seen.before == {"1": 0, "2": 0, "3": 0, "4": 4}
    assert seen.after == {"1": 0, "2": 3, "3": 0, "4": 1}


def test_without_new_rules_there_is_nothing_to_compare(house: House) -> None:
    clicked(house, 1)

    with reading(house.engine) as session, pytest.raises(ConflictError, match="No scoring rules are waiting"):
        distribution(session, house.now)


def test_rules_that_were_not_finished_are_given_up_for_newer_ones(house: House) -> None:
    clicked(house, 3)
    begin(house.runtime, LIVELY, house.now)
    build(house.runtime, house.now, 2)

    assert begin(house.runtime, DEFAULT_SCORING, house.now) is None

    assert statuses(house) == {1: "active", 2: "given up"}
    assert values(house, 2) == {}
    assert house.rows(ScoreEntry, generation=2) == []


def give(session: Session, house: House, lead: int, key: str, points: float) -> None:
    adjust(session, load_house(session), [Adjustment(lead, points, key, "A gift")], house.now)


def test_points_given_by_hand_count_once_and_in_every_generation(house: House) -> None:
    (lead,) = clicked(house, 1)
    house.write(lambda session: give(session, house, lead, "before", 5))
    house.write(lambda session: give(session, house, lead, "before", 5))
    begin(house.runtime, LIVELY, house.now)
    house.write(lambda session: give(session, house, lead, "meanwhile", 3))
    house.process()

    assert values(house, 1) == {lead: 16}
    assert values(house, 2) == {lead: 48}
    house.record(lead, CLICK, message_id=9)
    house.process()
    assert values(house, 1) == {lead: 23}
