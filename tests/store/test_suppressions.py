"""Suppressions only grow, consent is a ledger, and erased people are recognised."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from nurture.store.base import reading, writing
from nurture.store.schema import Consent, Lead, Suppression
from nurture.store.suppressions import (
    NewConsent,
    NewSuppression,
    leads_at,
    lift,
    recognise,
    record_consents,
    scopes_of,
    suppress,
)

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ANA, BEN = "ana@example.com", "ben@example.com"


def hashed(address: str) -> str:
    return address[::-1]


@pytest.fixture
def leads(engine: Engine) -> dict[str, int]:
    """Ana and Ben, who have consented."""
    with writing(engine) as session:
        rows = [Lead(address=address, created_at=NOW, updated_at=NOW) for address in (ANA, BEN)]
        session.add_all(rows)
        session.flush()
        record_consents(session, [NewConsent(row.id, "form") for row in rows], NOW)
        return {str(row.address): row.id for row in rows}


def block(engine: Engine, *entries: NewSuppression, now: datetime = NOW) -> set[int]:
    with writing(engine) as session:
        return suppress(session, entries, hashed, now)


def scopes(engine: Engine, address: str, now: datetime = NOW) -> dict[str, str]:
    with reading(engine) as session:
        return scopes_of(session, address, now)


def why_not(engine: Engine, lead_id: int) -> str | None:
    with reading(engine) as session:
        return session.scalars(select(Lead.not_mailable_because).where(Lead.id == lead_id)).one()


def test_several_addresses_are_suppressed_together_and_their_leads_named(
    engine: Engine, leads: dict[str, int]
) -> None:
    entries = [NewSuppression(ANA, "all", "hard_bounce"), NewSuppression("no@lead.org", "all", "manual")]
    assert block(engine, *entries) == {leads[ANA]}
    assert why_not(engine, leads[ANA]) == "hard_bounce"
    assert why_not(engine, leads[BEN]) is None


def test_nothing_to_suppress_is_nothing_done(engine: Engine) -> None:
    assert block(engine) == set()


REPEATS: Sequence[tuple[str, str, str]] = [
    ("manual", "unsubscribe", "unsubscribe"),
    ("unsubscribe", "manual", "unsubscribe"),
    ("unsubscribe", "complaint", "complaint"),
    ("complaint", "unsubscribe", "complaint"),
    ("complaint", "manual", "complaint"),
    ("hard_bounce", "invalid", "invalid"),
]


@pytest.mark.parametrize(("first", "second", "kept"), REPEATS)
def test_a_repeat_keeps_its_first_time_and_the_stickier_reason(
    engine: Engine, first: str, second: str, kept: str
) -> None:
    block(engine, NewSuppression(ANA, "marketing", first, "door one"))
    block(engine, NewSuppression(ANA, "marketing", second, "door two"), now=LATER)
    with reading(engine) as session:
        row = session.scalars(select(Suppression)).one()
        assert (row.reason, row.at, row.source) == (kept, NOW, "door one")


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (None, LATER, None),
        (LATER, None, None),
        (LATER, LATER + timedelta(days=1), LATER + timedelta(days=1)),
        (LATER, NOW, LATER),
    ],
)
def test_a_repeat_never_shortens(
    engine: Engine, first: datetime | None, second: datetime | None, kept: datetime | None
) -> None:
    for expires_at in (first, second):
        block(engine, NewSuppression(ANA, "all", "manual", expires_at=expires_at))
    with reading(engine) as session:
        assert session.scalars(select(Suppression.expires_at)).one() == kept


def test_what_has_expired_blocks_no_more(engine: Engine, leads: dict[str, int]) -> None:
    block(engine, NewSuppression(ANA, "all", "manual", expires_at=LATER))
    assert scopes(engine, ANA, LATER - timedelta(seconds=1)) == {"all": "manual"}
    assert scopes(engine, ANA, LATER) == {}
    with writing(engine) as session:
        lift(session, ANA, [], LATER)
    assert why_not(engine, leads[ANA]) is None


def test_lifting_leaves_other_scopes_and_every_complaint(engine: Engine, leads: dict[str, int]) -> None:
    block(
        engine,
        NewSuppression(ANA, "marketing", "unsubscribe"),
        NewSuppression(ANA, "topic:news", "unsubscribe"),
        NewSuppression(BEN, "all", "complaint"),
    )
    with writing(engine) as session:
        assert lift(session, ANA, ["marketing"], NOW) == {leads[ANA]}
        lift(session, BEN, ["all", "marketing"], NOW)
    assert scopes(engine, ANA) == {"topic:news": "unsubscribe"}
    assert scopes(engine, BEN) == {"all": "complaint"}
    assert (why_not(engine, leads[ANA]), why_not(engine, leads[BEN])) == (None, "complaint")


def test_an_erased_address_that_comes_back_finds_its_suppression(engine: Engine) -> None:
    block(engine, NewSuppression(ANA, "all", "manual"), NewSuppression(BEN, "all", "manual"))
    with writing(engine) as session:
        session.execute(update(Suppression).values(address=None))
    assert scopes(engine, ANA) == {}
    with writing(engine) as session:
        recognise(session, [ANA, "new@example.com"], hashed)
    assert scopes(engine, ANA) == {"all": "manual"}
    assert scopes(engine, BEN) == {}


def test_consent_is_appended_and_the_newest_of_a_topic_counts(engine: Engine, leads: dict[str, int]) -> None:
    with writing(engine) as session:
        record_consents(session, [NewConsent(leads[ANA], "page", given=False, ip="192.0.2.1")], LATER)
    assert why_not(engine, leads[ANA]) == "no consent"
    with reading(engine) as session:
        ledger = session.scalars(select(Consent).where(Consent.lead_id == leads[ANA]).order_by(Consent.id))
        assert [(row.given, row.how, row.ip, row.at) for row in ledger] == [
            (True, "form", None, NOW),
            (False, "page", "192.0.2.1", LATER),
        ]


def test_leads_are_found_by_address(engine: Engine, leads: dict[str, int]) -> None:
    with reading(engine) as session:
        assert leads_at(session, [ANA, "nobody@example.com"]) == {leads[ANA]}
