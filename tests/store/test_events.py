"""Events are recorded once, however often and in whatever order they are reported."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from nurture.domain.events import EventKind, Verdict
from nurture.store.base import reading, writing
from nurture.store.events import NewEvent, events_of, record_events
from nurture.store.schema import EventRow, Inbox

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def happening(number: int, lead_id: int = 1, kind: str = EventKind.FORM_SUBMITTED) -> NewEvent:
    return NewEvent("form", str(number), lead_id, kind, NOW + timedelta(minutes=number), data={"n": number})


def record(engine: Engine, *events: NewEvent) -> set[int]:
    with writing(engine) as session:
        return record_events(session, events, NOW)


def waiting(engine: Engine) -> dict[int, int]:
    with reading(engine) as session:
        return {row.event_id: row.lead_id for row in session.scalars(select(Inbox))}


def test_a_new_event_is_stored_and_waits_in_the_inbox(engine: Engine) -> None:
    event = NewEvent(
        "hit", "7", 3, EventKind.EMAIL_CLICKED, NOW, Verdict.HUMAN, 5, 6, "welcome", "hello", {"link": 2}
    )
    assert record(engine, event) == {event.id}
    assert waiting(engine) == {event.id: 3}
    with reading(engine) as session:
        [found] = events_of(session, [3])[3]
    assert (found.id, found.kind, found.at, found.verdict) == (event.id, event.kind, NOW, Verdict.HUMAN)
    assert (found.message_id, found.enrollment_id, found.campaign, found.step) == (5, 6, "welcome", "hello")
    assert dict(found.data) == {"link": 2}


def test_a_repeat_is_neither_stored_nor_processed_again(engine: Engine) -> None:
    first = happening(1)
    record(engine, first)
    with writing(engine) as session:
        session.execute(delete(Inbox))
    assert record(engine, first, happening(2), happening(2)) == {happening(2).id}
    assert set(waiting(engine)) == {happening(2).id}


def test_the_same_external_id_of_two_sources_is_two_events(engine: Engine) -> None:
    other = NewEvent("webhook", "1", 1, EventKind.FORM_SUBMITTED, NOW)
    assert record(engine, happening(1), other) == {happening(1).id, other.id}


def test_more_events_than_fit_into_one_statement_are_stored(engine: Engine) -> None:
    events = [happening(number) for number in range(2300)]
    assert len(record(engine, *events)) == 2300
    assert len(waiting(engine)) == 2300


def test_events_are_read_by_lead_in_the_order_of_their_time_and_by_kind(engine: Engine) -> None:
    late, early = happening(9), happening(1)
    page = happening(5, kind=EventKind.PAGE_VISITED)
    record(engine, late, page, early, happening(3, lead_id=2))
    with reading(engine) as session:
        everything = events_of(session, [1, 2, 3])
        forms = events_of(session, [1], {EventKind.FORM_SUBMITTED})
    assert [event.id for event in everything[1]] == [early.id, page.id, late.id]
    assert [event.lead_id for event in everything[2]] == [2]
    assert 3 not in everything
    assert [event.id for event in forms[1]] == [early.id, late.id]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.lists(st.integers(0, 9), max_size=8), max_size=6))
def test_any_order_and_repetition_ends_in_the_same_facts(engine: Engine, reports: list[list[int]]) -> None:
    with writing(engine) as session:
        session.execute(delete(Inbox))
        session.execute(delete(EventRow))
    fresh = [record(engine, *map(happening, report)) for report in reports]
    told = {number for report in reports for number in report}
    assert sum(map(len, fresh)) == len(told)
    assert set(waiting(engine)) == {happening(number).id for number in told}
    with reading(engine) as session:
        facts = [event.data["n"] for event in events_of(session, [1]).get(1, ())]
    assert facts == sorted(told)
