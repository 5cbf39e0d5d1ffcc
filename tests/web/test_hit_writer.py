"""Hits in groups: many in one commit, a click on disk before it is answered, none lost."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from nurture.clock import FixedClock
from nurture.domain.engagement import HitKind
from nurture.store.hits import NewHit
from nurture.store.schema import Hit
from nurture.web.hit_writer import HitWriter
from tests.support.readers import Readers

THREADS, EACH = 8, 25


@pytest.fixture
def house(engine: Engine, clock: FixedClock, tmp_path: Path) -> Readers:
    return Readers.begin(engine, clock, tmp_path)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "hits.jsonl"


@pytest.fixture
def writer(house: Readers, spool: Path) -> Iterator[HitWriter]:
    writer = HitWriter(house.runtime, spool, look_again_seconds=0)
    yield writer
    writer.close()


def a_click(house: Readers, message: int = 1) -> NewHit:
    return NewHit(message, HitKind.CLICK, "GET", house.now, link=1)


def an_open(house: Readers, message: int = 1) -> NewHit:
    return NewHit(message, HitKind.OPEN, "GET", house.now)


@contextmanager
def database_away(house: Readers) -> Iterator[None]:
    """The table is not where it should be, as after a failed migration: every commit fails."""
    rename(house, "hit", "hit_elsewhere")
    try:
        yield
    finally:
        rename(house, "hit_elsewhere", "hit")


def rename(house: Readers, old: str, new: str) -> None:
    with house.runtime.write() as session:
        session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_a_click_is_in_the_database_when_its_writer_returns(house: Readers, writer: HitWriter) -> None:
    writer.put(a_click(house), durable=True)
    assert house.count(Hit) == 1


def test_an_open_is_in_the_database_after_a_flush(house: Readers, writer: HitWriter) -> None:
    writer.put(an_open(house), durable=False)
    writer.flush()
    assert house.count(Hit) == 1


def test_eight_threads_lose_nothing(house: Readers, writer: HitWriter) -> None:
    def ask(thread: int) -> None:
        for place in range(EACH):
            writer.put(a_click(house, thread * EACH + place), durable=place % 2 == 0)

    callers = [threading.Thread(target=ask, args=(thread,)) for thread in range(THREADS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    writer.flush()

    assert sorted(hit.message_id for hit in house.rows(Hit)) == list(range(THREADS * EACH))


def test_closing_writes_what_is_left(house: Readers, writer: HitWriter) -> None:
    for message in range(5):
        writer.put(an_open(house, message), durable=False)
    writer.close()
    assert house.count(Hit) == 5


def test_a_hit_after_closing_is_still_kept(house: Readers, writer: HitWriter) -> None:
    writer.close()
    writer.put(a_click(house), durable=True)
    assert house.count(Hit) == 1


def test_while_the_database_is_away_hits_are_spooled_and_come_back_by_themselves(
    house: Readers, writer: HitWriter, spool: Path
) -> None:
    with database_away(house):
        writer.put(a_click(house, 1), durable=True)
        writer.put(a_click(house, 2), durable=True)
        assert spool.exists()
    let_it_look(writer)

    assert not spool.exists()
    assert sorted(hit.message_id for hit in house.rows(Hit)) == [1, 2]


def let_it_look(writer: HitWriter) -> None:
    """It looks at the spool after each batch, so after the second flush it has looked since the first."""
    writer.flush()
    writer.flush()


def test_what_an_earlier_process_has_spooled_comes_back_without_a_hit(house: Readers, spool: Path) -> None:
    earlier = HitWriter(house.runtime, spool, look_again_seconds=3600)
    with database_away(house):
        earlier.put(a_click(house), durable=True)
        earlier.close()

    later = HitWriter(house.runtime, spool, look_again_seconds=0)
    let_it_look(later)
    later.close()

    assert not spool.exists()
    assert house.count(Hit) == 1


def test_a_spool_that_is_no_file_does_not_stop_anybody(house: Readers, spool: Path) -> None:
    spool.mkdir(parents=True)
    writer = HitWriter(house.runtime, spool, look_again_seconds=0)
    for message in range(3):
        writer.put(a_click(house, message), durable=True)
    writer.close()
    assert house.count(Hit) == 3


def test_a_spool_that_cannot_be_written_loses_the_hit_and_goes_on(house: Readers, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where a directory should be")
    writer = HitWriter(house.runtime, tmp_path / "spool" / "hits.jsonl", look_again_seconds=0)
    with database_away(house):
        writer.put(a_click(house, 1), durable=True)
    writer.put(a_click(house, 2), durable=True)
    writer.close()
    assert [hit.message_id for hit in house.rows(Hit)] == [2]
