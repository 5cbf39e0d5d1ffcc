"""The fixed jobs work until nothing is left, their time is up, or they are asked to stop."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from nurture.store.schema import Message
from nurture.worker import tasks
from tests.support.installation import Installation


def test_the_jobs_feed_each_other_from_a_file_to_a_mail(tmp_path: Path) -> None:
    house = Installation.shipped(tmp_path)
    house.add_leads({"email": "ana@customer.example"})
    assert tasks.process(house.runtime) > 0
    assert tasks.plan(house.runtime) > 0
    assert tasks.deliver(house.runtime) == 1
    assert len(house.mails("ana@customer.example")) == 1
    assert tasks.roll_up(house.runtime) > 0
    assert (tasks.sweep(house.runtime), tasks.reconcile(house.runtime)) == (0, 0)
    house.close()


def test_calling_again_does_nothing_again(tmp_path: Path) -> None:
    house = Installation.shipped(tmp_path)
    house.add_leads({"email": "ana@customer.example"})
    house.work()
    sent = len(house.mails())
    assert [task(house.runtime) for task in (tasks.process, tasks.plan, tasks.deliver)] == [0, 0, 0]
    assert len(house.mails()) == sent
    house.close()


def test_a_process_that_is_to_end_begins_no_new_portion(tmp_path: Path) -> None:
    house = Installation.shipped(tmp_path)
    house.add_leads({"email": "ana@customer.example"})
    told = lambda: True  # noqa: E731 - a signal that came before.
    assert tasks.process(house.runtime, told) == 0
    tasks.process(house.runtime)
    assert tasks.plan(house.runtime, told) == 0
    tasks.plan(house.runtime)
    assert tasks.deliver(house.runtime, told) == 0
    with house.runtime.read() as session:
        assert session.scalars(select(Message.state)).all() == ["pending"]
    house.close()


def test_more_than_one_portion_is_worked_off_in_a_turn(tmp_path: Path) -> None:
    house = Installation.begin(tmp_path)
    rows = "\n".join(f"{number}@customer.example" for number in range(tasks.PORTION + 1))
    house.import_csv(f"email\n{rows}\n", consent="box")
    assert timedelta(seconds=10) == tasks.TURN
    assert tasks.process(house.runtime) >= tasks.PORTION + 1
    house.close()
