"""Leads as decisions see them, the mark that has them looked at, and whether they may be mailed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from nurture.domain.values import CompanyView, Grade, LeadView, Score
from nurture.store.base import reading, writing
from nurture.store.leads import lead_views, mark_all_dirty, mark_dirty, refresh_mailable
from nurture.store.schema import (
    Campaign,
    CampaignVersion,
    Company,
    Consent,
    Enrollment,
    Generation,
    Lead,
    LeadTag,
    Recheck,
    ScoreRow,
    SegmentMember,
    Suppression,
)

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def add_lead(session: Session, **values: object) -> int:
    lead = Lead(**{"created_at": NOW, "updated_at": NOW, **values})
    session.add(lead)
    session.flush()
    return lead.id


# --- views ---------------------------------------------------------------------------------------


def test_a_bare_lead_is_seen_with_its_defaults(engine: Engine) -> None:
    with writing(engine) as session:
        lead_id = add_lead(session, address="a@example.com")
    with reading(engine) as session:
        assert lead_views(session, [lead_id]) == {lead_id: LeadView(lead_id, "a@example.com", NOW)}


def test_everything_that_is_known_of_a_lead_is_in_its_view(engine: Engine) -> None:
    with writing(engine) as session:
        company = Company(
            name="ACME",
            domain="acme.example",
            industry="Food",
            size="10-49",
            country="PT",
            zone="Europe/Lisbon",
            fields={"seats": 3},
            created_at=NOW,
            updated_at=NOW,
        )
        session.add(company)
        session.flush()
        lead_id = add_lead(
            session,
            address="a@example.com",
            first_name="Ana",
            company_id=company.id,
            fit="B",
            fields={"role": "cfo"},
            refused_topics=["news"],
            paused_until=NOW,
            lifecycle="prospect",
            stage="decision",
        )
        session.add_all(
            [
                LeadTag(lead_id=lead_id, tag="vip", since=NOW),
                SegmentMember(lead_id=lead_id, segment="readers", since=NOW - HOUR),
                *_generations(lead_id),
            ]
        )
        _enroll(session, lead_id, {"welcome": "active", "news": "paused", "old": "completed"})
    with reading(engine) as session:
        view = lead_views(session, [lead_id])[lead_id]
    assert view.company == CompanyView(
        company.id, "ACME", "acme.example", "food", "10-49", "PT", "Europe/Lisbon", {"seats": 3}
    )
    assert (view.fit, view.score, dict(view.fields)) == (Grade.B, Score(12.5, NOW), {"role": "cfo"})
    assert (dict(view.tags), dict(view.segments)) == ({"vip": NOW}, {"readers": NOW - HOUR})
    assert view.campaigns == {"welcome", "news"}
    assert (set(view.refused_topics), view.paused_until) == ({"news"}, NOW)
    assert (view.lifecycle, view.stage) == ("prospect", "decision")


def _generations(lead_id: int) -> Iterable[object]:
    common = {"rules": {}, "half_life_seconds": 1, "created_at": NOW}
    yield Generation(id=1, status="retired", **common)
    yield Generation(id=2, status="active", **common)
    yield ScoreRow(generation=1, lead_id=lead_id, value=99.0, as_of=NOW)
    yield ScoreRow(generation=2, lead_id=lead_id, value=12.5, as_of=NOW)


def _enroll(session: Session, lead_id: int, campaigns: dict[str, str]) -> None:
    for slug, status in campaigns.items():
        campaign = Campaign(slug=slug, name=slug, created_at=NOW)
        session.add(campaign)
        session.flush()
        version = CampaignVersion(
            campaign_id=campaign.id, number=1, definition={}, digest="d", created_at=NOW
        )
        session.add(version)
        session.flush()
        session.add(
            Enrollment(
                campaign_id=campaign.id,
                version_id=version.id,
                lead_id=lead_id,
                cause="manual:1",
                status=status,
                since=NOW,
                entered_at=NOW,
            )
        )


def test_unknown_leads_are_left_out(engine: Engine) -> None:
    with reading(engine) as session:
        assert lead_views(session, [404]) == {}


def test_many_leads_cost_no_more_statements_than_one(engine: Engine) -> None:
    with writing(engine) as session:
        ids = [add_lead(session, address=f"{number}@example.com") for number in range(50)]
    statements: list[str] = []
    event.listen(
        engine, "before_cursor_execute", lambda _c, _cu, statement, *_rest: statements.append(statement)
    )
    with reading(engine) as session:
        session.connection()
        statements.clear()
        lead_views(session, ids[:1])
        for_one = len(statements)
        lead_views(session, ids)
    assert len(statements) == 2 * for_one


# --- dirty ---------------------------------------------------------------------------------------


def rechecks(engine: Engine) -> dict[int, tuple[datetime, int]]:
    with reading(engine) as session:
        return {row.lead_id: (row.at, row.rev) for row in session.scalars(select(Recheck))}


def test_a_dirty_lead_is_due_at_once_and_every_mark_counts(engine: Engine) -> None:
    with writing(engine) as session:
        ids = [add_lead(session) for _ in range(3)]
        session.add(Recheck(lead_id=ids[0], at=NOW + HOUR))
        session.add(Recheck(lead_id=ids[1], at=NOW - HOUR))
        session.flush()
        mark_dirty(session, [*ids, ids[2]], NOW)
    assert rechecks(engine) == {ids[0]: (NOW, 1), ids[1]: (NOW - HOUR, 1), ids[2]: (NOW, 0)}


def test_all_leads_but_the_erased_are_marked(engine: Engine) -> None:
    with writing(engine) as session:
        ids = [add_lead(session) for _ in range(2)]
        add_lead(session, erased_at=NOW)
        session.add(Recheck(lead_id=ids[0], at=NOW + HOUR))
        session.flush()
        assert mark_all_dirty(session, NOW) == 2
    assert rechecks(engine) == {ids[0]: (NOW, 1), ids[1]: (NOW, 0)}


# --- mailable ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Whether there is an address, what the consent ledger says, and what is suppressed."""

    address: bool
    consent: tuple[tuple[str, bool], ...]
    suppressed: tuple[str, str, timedelta | None] | None

    @property
    def reason(self) -> str | None:
        """What `not_mailable_because` has to say."""
        if not self.address:
            return "erased"
        if self.suppressed is not None:
            scope, reason, expires_in = self.suppressed
            if scope in ("all", "marketing") and (expires_in is None or expires_in > timedelta()):
                return reason
        return None if any(dict(self.consent).values()) else "no consent"


CONSENTS: tuple[tuple[tuple[str, bool], ...], ...] = (
    (),
    (("*", True),),
    (("*", True), ("*", False)),
    (("*", False), ("*", True)),
    (("*", False), ("news", True)),
    (("news", False),),
)
SUPPRESSIONS = (
    None,
    ("all", "complaint", None),
    ("marketing", "unsubscribe", None),
    ("topic:news", "unsubscribe", None),
    ("all", "manual", HOUR),
    ("all", "manual", timedelta()),
    ("all", "manual", -HOUR),
)
CASES = [Case(*case) for case in product((True, False), CONSENTS, SUPPRESSIONS)]


def test_mailable_is_consent_and_no_suppression_in_every_combination(engine: Engine) -> None:
    with writing(engine) as session:
        ids = [_arrange(session, number, case) for number, case in enumerate(CASES)]
        refresh_mailable(session, ids, NOW)
        held = session.execute(select(Lead.id, Lead.mailable, Lead.not_mailable_because)).all()
    found = {row.id: (row.mailable, row.not_mailable_because) for row in held}
    wanted = {lead_id: (case.reason is None, case.reason) for lead_id, case in zip(ids, CASES, strict=True)}
    assert found == wanted
    assert {reason for _, reason in wanted.values()} == {
        None,
        "erased",
        "no consent",
        "complaint",
        "unsubscribe",
        "manual",
    }


def _arrange(session: Session, number: int, case: Case) -> int:
    address = f"{number}@example.com"
    lead_id = add_lead(session, address=address if case.address else None, mailable=number % 2 == 0)
    for topic, given in case.consent:
        session.add(Consent(lead_id=lead_id, topic=topic, given=given, basis="x", how="x", at=NOW))
        session.flush()
    if case.suppressed is not None:
        scope, reason, expires_in = case.suppressed
        expires_at = None if expires_in is None else NOW + expires_in
        session.add(
            Suppression(
                address_hash=address,
                address=address,
                scope=scope,
                reason=reason,
                at=NOW,
                expires_at=expires_at,
            )
        )
    return lead_id


def test_refused_topics_follow_the_suppressions_that_live(engine: Engine) -> None:
    with writing(engine) as session:
        lead_id = add_lead(session, address="a@example.com", refused_topics=["gone"])
        for topic, expires_at in (("b", None), ("a", NOW + HOUR), ("over", NOW)):
            session.add(
                Suppression(
                    address_hash="h",
                    address="a@example.com",
                    scope=f"topic:{topic}",
                    reason="unsubscribe",
                    at=NOW,
                    expires_at=expires_at,
                )
            )
        session.flush()
        refresh_mailable(session, [lead_id], NOW)
    with reading(engine) as session:
        assert session.scalars(select(Lead.refused_topics)).one() == ["a", "b"]


def test_leads_that_were_not_asked_for_stay_as_they_are(engine: Engine) -> None:
    with writing(engine) as session:
        one, other = add_lead(session, address="a@example.com"), add_lead(session, address="b@example.com")
        session.execute(update(Lead).values(mailable=True))
        refresh_mailable(session, [one], NOW)
        held = dict(iter(session.execute(select(Lead.id, Lead.mailable))))
    assert held == {one: False, other: True}


@pytest.mark.parametrize("ids", [[], [404]])
def test_nobody_to_refresh_is_nothing_done(engine: Engine, ids: list[int]) -> None:
    with writing(engine) as session:
        refresh_mailable(session, ids, NOW)
        mark_dirty(session, [], NOW)
    assert rechecks(engine) == {}
