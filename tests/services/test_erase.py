"""An erased person leaves no trace in the database, and is not mailed when the address comes back."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from nurture.domain.errors import AddressError, NotFound
from nurture.domain.lifecycle.moves import Wish
from nurture.domain.values import Lifecycle, Scalar
from nurture.services.erase import erase
from nurture.services.house import load_house
from nurture.services.ladders import move_by_person
from nurture.store.base import Base
from nurture.store.events import NewEvent, record_events
from nurture.store.schema import (
    AuditEntry,
    Due,
    Enrollment,
    Lead,
    LeadAlias,
    Message,
    ScoreEntry,
    Suppression,
)
from tests.conftest import BACKENDS
from tests.support.installation import Installation

ANA = "ana.zebedee@customer.example"
BEN = "ben@customer.example"
DAY = timedelta(days=1)
TRACES = ("zebedee", "anastacia", "+351 555", "203.0.113.77", "very private")


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """On which database the installation is."""
    backend: str = request.param
    return backend


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """Ana, of whom much is known, and Ben beside her."""
    installation = Installation.shipped(tmp_path, backend=database_url)
    installation.add_leads(
        {
            "email": ANA,
            "first_name": "Anastacia",
            "last_name": "Zebedee",
            "company": "ACME",
            "tags": "very private",
        },
        consent="told us on +351 555",
    )
    installation.add_leads({"email": BEN})
    installation.advance(timedelta(minutes=10))
    installation.browser(ip="203.0.113.77").get(installation.mail(ANA).clicks[0])
    installation.browser().get(installation.mail(BEN).clicks[0])
    installation.advance(timedelta(days=2), calm_step=DAY)
    _know_more(installation)
    yield installation
    installation.close()


def _know_more(installation: Installation) -> None:
    """What people and other programs write about her."""
    ana, now = installation.lead_id(ANA), installation.now
    with installation.runtime.write() as session:
        said: dict[str, Scalar] = {"question": "very private"}
        record_events(session, [NewEvent("form", f"q:{ANA}", ana, "form_submitted", now, data=said)], now)
        session.add(LeadAlias(old_id=10_000, lead_id=ana, address="zebedee@old.example", merged_at=now))
        audit = AuditEntry(
            at=now, actor="user:1", action="lead-edited", subject=f"lead:{ana}", detail={"name": "Zebedee"}
        )
        session.add(audit)
        entry = session.scalars(select(ScoreEntry).where(ScoreEntry.lead_id == ana)).first()
        assert entry is not None
        entry.note = "spoke to Zebedee"
        message = session.scalars(select(Message).where(Message.lead_id == ana)).first()
        assert message is not None
        message.reason = message.error = f"<{ANA}>: mailbox full"
    with installation.runtime.write() as session:
        wish = Wish(ana, Lifecycle.PROSPECT, "Zebedee asked for it", "user:1", by_person=True)
        move_by_person(session, load_house(session), wish, now)


def dump(house: Installation) -> str:
    """Every value of every table, as JSON."""
    with house.runtime.read() as session:
        rows = [
            dict(row)
            for table in Base.metadata.sorted_tables
            for row in session.execute(text(f'SELECT * FROM "{table.name}"')).mappings()
        ]
    return "\n".join(json.dumps(row, default=_readable, ensure_ascii=False).lower() for row in rows)


def _readable(value: object) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def test_nothing_in_the_database_tells_who_it_was(house: Installation) -> None:
    before = dump(house)
    assert [trace for trace in TRACES if trace not in before] == []
    erased = erase(house.runtime, f" {ANA.upper()} ", house.now, "cli")
    after = dump(house)
    assert [trace for trace in TRACES if trace in after] == []
    assert erased.messages >= 1
    assert erased.events >= 2


def test_what_was_counted_stays_and_others_are_untouched(house: Installation) -> None:
    ana = house.lead_id(ANA)
    with house.runtime.read() as session:
        entries = len(session.scalars(select(ScoreEntry.id).where(ScoreEntry.lead_id == ana)).all())
        ben = [row[0] for row in session.execute(text(f"SELECT data FROM event WHERE lead_id != {ana}"))]
    erase(house.runtime, ANA, house.now, "cli")
    with house.runtime.read() as session:
        assert len(session.scalars(select(ScoreEntry.id).where(ScoreEntry.lead_id == ana)).all()) == entries
        assert [
            row[0] for row in session.execute(text(f"SELECT data FROM event WHERE lead_id != {ana}"))
        ] == ben
    assert len(house.mails(BEN)) >= 1
    assert house.mails(ANA) == []


def test_its_passages_end_and_nothing_is_sent_any_more(house: Installation) -> None:
    ana = house.lead_id(ANA)
    erase(house.runtime, ANA, house.now, "cli")
    sent = len(house.mails())
    with house.runtime.read() as session:
        assert session.scalars(select(Due.enrollment_id).where(Due.lead_id == ana)).all() == []
        statuses = set(session.scalars(select(Enrollment.status).where(Enrollment.lead_id == ana)))
        open_states = session.scalars(
            select(Message.state).where(Message.lead_id == ana, Message.state.in_(("pending", "claimed")))
        )
        assert open_states.all() == []
    assert not statuses & {"active", "paused"}
    house.advance(timedelta(days=14), calm_step=DAY)
    with house.runtime.read() as session:
        lead = session.get(Lead, ana)
        assert lead is not None
        assert (lead.mailable, lead.not_mailable_because) == (False, "erased")
        later = session.scalars(
            select(Message.id).where(Message.lead_id == ana, Message.planned_at >= house.now)
        )
        assert later.all() == []
    assert len(house.mails()) > sent


def test_whoever_comes_back_by_a_file_is_not_mailed(house: Installation) -> None:
    old = house.lead_id(ANA)
    erase(house.runtime, ANA, house.now, "cli")
    house.import_csv(f"email,consent\n{ANA},bought list\n")
    assert house.lead_id(ANA) != old
    assert not house.lead(ANA).mailable
    house.advance(timedelta(days=2), calm_step=DAY)
    assert house.mails(ANA) == []


def test_its_suppression_is_kept_without_the_address(house: Installation) -> None:
    erase(house.runtime, ANA, house.now, "cli")
    with house.runtime.read() as session:
        [row] = session.execute(
            select(Suppression.address, Suppression.address_hash, Suppression.scope)
        ).all()
    assert tuple(row) == (None, house.runtime.hash_address(ANA), "all")


def test_the_deed_is_on_record_without_the_person(house: Installation) -> None:
    ana = house.lead_id(ANA)
    erase(house.runtime, ANA, house.now, "user:1")
    with house.runtime.read() as session:
        rows = session.execute(
            select(AuditEntry.actor, AuditEntry.subject).where(AuditEntry.action == "erased")
        )
        assert [tuple(row) for row in rows] == [("user:1", f"lead:{ana}")]


def test_erasing_twice_says_that_there_is_nobody(house: Installation) -> None:
    erase(house.runtime, ANA, house.now, "cli")
    with pytest.raises(NotFound):
        erase(house.runtime, ANA, house.now, "cli")
    with pytest.raises(AddressError):
        erase(house.runtime, "nobody", house.now, "cli")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_not_even_the_bytes_of_the_file_tell(house: Installation, tmp_path: Path) -> None:
    erase(house.runtime, ANA, house.now, "cli")
    database = Path(str(house.runtime.engine.url.database))
    house.close()
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert database.read_bytes().lower().count(b"zebedee") == 0
