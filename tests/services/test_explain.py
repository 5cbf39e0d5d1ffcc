"""A lead is explained by what is in the ledgers, ready for JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from nurture.domain.errors import AddressError, NotFound
from nurture.services.explain import Explanation, explain
from nurture.store.schema import Message
from tests.conftest import BACKENDS
from tests.support.installation import Installation

ANA = "ana@customer.example"


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """On which database the installation is."""
    backend: str = request.param
    return backend


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    installation = Installation.shipped(tmp_path, backend=database_url)
    yield installation
    installation.close()


def told(house: Installation, address: str = ANA) -> Explanation:
    return explain(house.runtime, address, house.now)


def test_a_fresh_lead_has_a_portrait_and_empty_ledgers(house: Installation) -> None:
    house.add_leads(
        {"email": ANA, "first_name": "Ana", "company": "ACME", "industry": "Logistics", "tags": "b;a"}
    )
    found = told(house, " ANA@Customer.Example ")
    assert found.lead | {"id": 0} == {
        "id": 0,
        "address": ANA,
        "first_name": "Ana",
        "last_name": None,
        "language": None,
        "zone": None,
        "company": "ACME",
        "industry": "logistics",
        "lifecycle": "suspect",
        "lifecycle_since": house.now.isoformat(),
        "stage": "awareness",
        "stage_since": house.now.isoformat(),
        "engagement": 0.0,
        "fit": "–",
        "rating": "–4",
        "mailable": True,
        "not_mailable_because": None,
        "refused_topics": [],
        "conversation_since": None,
        "paused_until": None,
        "tags": ["a", "b"],
        "campaigns": [],
        "fields": {},
    }
    assert (found.score_entries, found.messages, found.decisions) == ([], [], [])


def test_after_a_click_score_mails_and_decisions_agree(house: Installation) -> None:
    house.add_leads({"email": ANA})
    house.advance(timedelta(hours=1))
    house.browser().get(house.mail(ANA).clicks[0])
    house.advance(timedelta(hours=1))
    found = told(house)
    [entry] = [row for row in found.score_entries if row["rule"] == "clicked-email"]
    assert entry["net"] == entry["raw"] - entry["cut"]
    assert entry["event_id"] is not None
    assert found.lead["engagement"] == pytest.approx(sum(row["net"] for row in found.score_entries), abs=0.2)
    assert found.lead["lifecycle"] == "lead"
    assert found.lead["stage"] == "interest"
    message = found.messages[-1]
    assert (message["campaign"], message["state"]) == ("welcome", "sent")
    queued = [row for row in found.decisions if row["outcome"] == "queued"]
    assert {row["message_id"] for row in queued} == {row["id"] for row in found.messages}
    assert all(row["sentence"] for row in queued)


def test_ledgers_come_newest_first(house: Installation) -> None:
    house.add_leads({"email": ANA})
    house.advance(timedelta(days=10), calm_step=timedelta(days=1))
    found = told(house)
    assert len(found.messages) > 1
    for rows, name in ((found.messages, "planned_at"), (found.decisions, "at")):
        instants = [row[name] for row in rows]
        assert instants == sorted(instants, reverse=True)


def test_who_is_not_mailed_is_told_why(house: Installation) -> None:
    house.import_csv(f"email\n{ANA}\n")
    found = told(house)
    assert (found.lead["mailable"], found.lead["not_mailable_because"]) == (False, "no consent")
    with house.runtime.read() as session:
        assert session.scalars(select(Message)).all() == []


def test_an_explanation_is_json(house: Installation) -> None:
    house.add_leads({"email": ANA})
    house.advance(timedelta(days=2), calm_step=timedelta(days=1))
    explanation = asdict(told(house))
    assert json.loads(json.dumps(explanation)) == explanation


def test_nobody_and_no_address_are_told_apart(house: Installation) -> None:
    with pytest.raises(NotFound, match=r"no lead with the address nobody@customer\.example"):
        told(house, "nobody@customer.example")
    with pytest.raises(AddressError):
        told(house, "nobody")
