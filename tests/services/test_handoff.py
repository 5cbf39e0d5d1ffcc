"""The conversation that a reply begins, and that ends with its task."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.domain.errors import ConflictError, NotFound
from nurture.services.handoff import close_task
from nurture.store.schema import AuditEntry, Inbox, Lead, Task
from tests.services.test_process import House


@pytest.fixture
def house(engine: Engine, clock: FixedClock, tmp_path: Path) -> House:
    """An empty house with the built-in rules."""
    return House(engine, clock, tmp_path)


def close(house: House, task: int) -> None:
    house.write(lambda session: close_task(session, task, "answered", "user:7", house.now))


def test_the_conversation_ends_with_its_last_task(house: House) -> None:
    lead = house.lead()
    house.record(lead, "email_replied")
    house.record(lead, "email_replied")
    house.process()
    first, second = house.rows(Task)
    enrollment = house.enroll(house.campaign("steps: [{key: pause, wait: {for: P30D}}]"), lead)
    house.tick()

    close(house, first.id)
    assert house.rows(Lead)[0].conversation_since is not None

    close(house, second.id)
    assert house.rows(Lead)[0].conversation_since is None
    assert house.due_at(enrollment) == house.now
    (task,) = house.rows(Task, id=second.id)
    assert (task.status, task.outcome, task.closed_at) == ("closed", "answered", house.now)
    assert [entry.subject for entry in house.rows(AuditEntry)] == [f"task:{first.id}", f"task:{second.id}"]


def test_a_reply_that_is_processed_again_does_not_begin_the_conversation_again(house: House) -> None:
    lead = house.lead()
    reply = house.record(lead, "email_replied")
    house.process()
    close(house, house.rows(Task)[0].id)

    house.write(lambda s: s.add(Inbox(event_id=reply, lead_id=lead, at=house.now, attempts=0)))
    house.process()

    assert [task.status for task in house.rows(Task)] == ["closed"]
    assert house.rows(Lead)[0].conversation_since is None


def test_a_later_reply_leaves_the_beginning_where_it_was(house: House) -> None:
    lead = house.lead()
    house.record(lead, "email_replied")
    house.process()
    began = house.now
    house.clock.advance(house.now - began.replace(hour=0))
    house.record(lead, "email_replied")
    house.process()

    assert house.rows(Lead)[0].conversation_since == began
    assert len(house.rows(Task)) == 2


def test_only_open_tasks_are_closed(house: House) -> None:
    house.record(house.lead(), "email_replied")
    house.process()
    (task,) = house.rows(Task)
    close(house, task.id)

    with pytest.raises(ConflictError, match="closed already"):
        close(house, task.id)
    with pytest.raises(NotFound, match="task 4711"):
        close(house, 4711)
