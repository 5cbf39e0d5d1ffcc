"""Hits kept in a file while the database is away: none is lost, and no line of it is fatal."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from nurture.domain.engagement import HitKind
from nurture.store.hits import NewHit
from nurture.web.spool import PORTION, Spool

AT = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "hits.jsonl"


class Database:
    """What hits are committed to: it can be away, or refuse the hits of one message."""

    def __init__(self) -> None:
        self.hits: list[NewHit] = []
        self.is_away = False
        self.away: Exception = OperationalError("INSERT", {}, Exception("the server closed the connection"))
        self.refuses: int | None = None
        self.refusal: Exception = DataError("INSERT", {}, Exception("a value that no column takes"))
        self.goes_away_after: int | None = None

    def commit(self, hits: Sequence[NewHit]) -> None:
        if self.is_away or (self.goes_away_after is not None and len(self.hits) >= self.goes_away_after):
            raise self.away
        if any(hit.message_id == self.refuses for hit in hits):
            raise self.refusal
        self.hits.extend(hits)


def some_hits(number: int, start: int = 0) -> list[NewHit]:
    return [
        NewHit(place, HitKind.CLICK, "GET", AT + timedelta(seconds=place), 1, "192.0.2.1", "Leserät “1.0” \n")
        for place in range(start, start + number)
    ]


def test_what_is_kept_comes_back_as_it_went(path: Path) -> None:
    spool, database, hits = Spool(path), Database(), some_hits(3)
    hits.append(NewHit(99, HitKind.OPEN, "HEAD", AT))
    assert not spool.holds_any

    spool.add(hits)
    assert spool.holds_any
    assert spool.bring_back(database.commit)

    assert database.hits == hits
    assert not spool.holds_any


def test_hits_are_added_to_those_that_wait(path: Path) -> None:
    spool, database = Spool(path), Database()
    spool.add(some_hits(2))
    Spool(path).add(some_hits(2, start=2))

    spool.bring_back(database.commit)

    assert database.hits == some_hits(4)


@pytest.mark.parametrize(
    "away",
    [
        OperationalError("INSERT", {}, Exception("the database is locked")),
        ProgrammingError("INSERT", {}, Exception("no such table")),
        PoolTimeout("no connection is free"),
        OSError("the disk is full"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_while_the_database_is_away_everything_stays(path: Path, away: Exception) -> None:
    spool, database = Spool(path), Database()
    spool.add(some_hits(3))
    database.away = away

    database.is_away = True
    assert not spool.bring_back(database.commit)
    database.is_away = False
    assert spool.bring_back(database.commit)

    assert database.hits == some_hits(3)


def test_what_was_brought_back_before_the_database_went_away_again_is_not_brought_twice(path: Path) -> None:
    spool, database = Spool(path), Database()
    spool.add(some_hits(PORTION + 5))

    database.goes_away_after = PORTION
    assert not spool.bring_back(database.commit)
    assert len(database.hits) == PORTION
    database.goes_away_after = None
    assert spool.bring_back(database.commit)

    assert database.hits == some_hits(PORTION + 5)


@pytest.mark.parametrize(
    "line",
    [
        b"{broken",
        b"\xff\xfe\x00 no text at all",
        b"[]",
        b"null",
        b'{"message_id": "seven", "kind": "click", "method": "GET", "at": "2026-03-02T10:00:00Z"}',
        b'{"message_id": 7, "kind": "unheard-of", "method": "GET", "at": "2026-03-02T10:00:00Z"}',
        b'{"message_id": 7, "kind": "click", "method": "GET", "at": "2026-03-02T10:00:00"}',
        b'{"message_id": 7, "kind": "click"}',
    ],
)
def test_a_line_that_is_no_hit_is_set_aside_and_the_others_come_back(path: Path, line: bytes) -> None:
    spool, database = Spool(path), Database()
    spool.add(some_hits(1))
    with path.open("ab") as file:
        file.write(line + b"\n")
    spool.add(some_hits(1, start=1))

    assert spool.bring_back(database.commit)

    assert database.hits == some_hits(2)
    assert line.decode(errors="replace") in path.with_name("hits.set-aside.jsonl").read_text()
    assert not spool.holds_any


def test_a_line_cut_off_by_a_crash_does_not_swallow_the_next(path: Path) -> None:
    spool, database = Spool(path), Database()
    spool.add(some_hits(1))
    with path.open("ab") as file:
        file.write(b'{"message_id": 7, "ki')
    spool.add(some_hits(1, start=1))

    spool.bring_back(database.commit)

    assert database.hits == some_hits(2)


@pytest.mark.parametrize(
    "refusal",
    [
        DataError("INSERT", {}, Exception("a value that no column takes")),
        IntegrityError("INSERT", {}, Exception("a value that must not be")),
        StatementError("a naive instant", "INSERT", {}, ValueError()),
        OverflowError("too large for a column"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_hit_that_the_database_refuses_is_set_aside_alone(path: Path, refusal: Exception) -> None:
    spool, database = Spool(path), Database()
    spool.add(some_hits(5))
    database.refusal = refusal
    database.refuses = 3

    assert spool.bring_back(database.commit)

    assert [hit.message_id for hit in database.hits] == [0, 1, 2, 4]
    assert '"message_id":3' in path.with_name("hits.set-aside.jsonl").read_text()


def test_a_spool_that_cannot_be_read_is_said_so(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(OSError):
        Spool(path).bring_back(Database().commit)


def test_an_empty_spool_is_nothing(path: Path) -> None:
    database = Database()
    assert Spool(path).bring_back(database.commit)
    assert database.hits == []
