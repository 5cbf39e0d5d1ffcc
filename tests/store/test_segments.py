"""Conditions over sets: SQL says of every lead what Python says of it, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from nurture.domain.conditions.evaluate import Scope, Snapshot, evaluate
from nurture.domain.conditions.tree import Condition
from nurture.domain.errors import InputError
from nurture.domain.events import Event, EventKind, Verdict
from nurture.domain.values import CompanyView, LeadView, Lifecycle, Score
from nurture.store.base import reading, writing
from nurture.store.events import events_of
from nurture.store.leads import lead_views
from nurture.store.schema import (
    Campaign,
    CampaignVersion,
    Company,
    Enrollment,
    EventRow,
    Generation,
    Lead,
    LeadTag,
    ScoreRow,
    SegmentMember,
    User,
)
from nurture.store.segments import SetContext, compile_condition, refresh_members
from tests.domain.conditions.samples import (
    FIELD_TYPES,
    HALF_LIFE,
    NOW,
    condition,
    event,
    lead,
    snapshot,
    snapshots,
    trees,
)

GENERATION = 1
SCOPES = (Scope(), Scope(since=NOW - timedelta(days=30), enrollment_id=5))


def context_of(
    session: Session, segments: dict[str, Condition] | None = None, scope: Scope = Scope()
) -> SetContext:
    return SetContext(
        dialect=session.get_bind().dialect.name,
        now=NOW,
        half_life=HALF_LIFE,
        generation=GENERATION,
        segments=segments or {},
        field_types=FIELD_TYPES,
        since=scope.since,
        enrollment_id=scope.enrollment_id,
    )


@contextmanager
def undone(engine: Engine) -> Iterator[Session]:
    """A session whose writing is never committed."""
    with Session(engine.execution_options(nurture_write=True), expire_on_commit=False) as session:
        yield session
        session.rollback()


def insert_snapshot(session: Session, known: Snapshot) -> None:
    """Write everything that a snapshot holds."""
    somebody = known.lead
    session.add(Generation(id=GENERATION, status="active", rules={}, half_life_seconds=1, created_at=NOW))
    session.add(User(id=3, address="sales@example.com", role="sender", created_at=NOW))
    session.flush()
    if somebody.company is not None:
        session.add(company_row(somebody.company))
        session.flush()
    session.add(lead_row(somebody))
    session.flush()
    session.add_all(
        LeadTag(lead_id=somebody.id, tag=tag, since=since) for tag, since in somebody.tags.items()
    )
    session.add_all(
        SegmentMember(lead_id=somebody.id, segment=slug, since=since)
        for slug, since in somebody.segments.items()
    )
    if somebody.score is not None:
        session.add(score_row(somebody, somebody.score))
    session.add_all(event_row(one) for one in known.events)
    for number, slug in enumerate(("welcome", "offer"), start=1):
        insert_campaign(
            session, number, slug, somebody.id, "paused" if slug in somebody.campaigns else "exited"
        )
    session.flush()


def company_row(company: CompanyView) -> Company:
    return Company(
        id=company.id,
        name=company.name,
        domain=company.domain or None,
        industry=company.industry,
        size=company.size,
        country=company.country,
        zone=company.zone,
        fields=dict(company.fields),
        created_at=NOW,
        updated_at=NOW,
    )


def lead_row(somebody: LeadView) -> Lead:
    return Lead(
        id=somebody.id,
        address=somebody.address or None,
        first_name=somebody.first_name,
        last_name=somebody.last_name,
        language=somebody.language,
        zone=somebody.zone,
        country=somebody.country,
        company_id=somebody.company.id if somebody.company else None,
        owner_id=somebody.owner_id,
        lifecycle=somebody.lifecycle,
        lifecycle_since=somebody.lifecycle_since,
        stage=somebody.stage,
        stage_since=somebody.stage_since,
        fit=somebody.fit,
        source=somebody.source,
        fields=dict(somebody.fields),
        created_at=somebody.created_at,
        updated_at=NOW,
    )


def score_row(somebody: LeadView, score: Score) -> ScoreRow:
    return ScoreRow(
        generation=GENERATION,
        lead_id=somebody.id,
        value=score.value,
        as_of=score.as_of,
        heat=score.heat(HALF_LIFE),
    )


def event_row(one: Event) -> EventRow:
    return EventRow(
        id=one.id,
        lead_id=one.lead_id,
        kind=one.kind,
        at=one.at,
        recorded_at=NOW,
        source="test",
        external_id=str(one.id),
        verdict=one.verdict,
        enrollment_id=one.enrollment_id,
        step=one.step,
        data=dict(one.data),
    )


def insert_campaign(session: Session, number: int, slug: str, lead_id: int, status: str) -> None:
    session.add(Campaign(id=number, slug=slug, name=slug, created_at=NOW))
    session.flush()
    session.add(
        CampaignVersion(id=number, campaign_id=number, number=1, definition={}, digest=slug, created_at=NOW)
    )
    session.flush()
    session.add(
        Enrollment(
            campaign_id=number,
            version_id=number,
            lead_id=lead_id,
            cause="manual:1",
            status=status,
            since=NOW,
            entered_at=NOW - timedelta(days=30),
        )
    )


def answers_of_sql(session: Session, conditions: list[Condition], context: SetContext) -> list[bool]:
    """What SQL says of the one lead; `None` would be a condition that is neither true nor false."""
    columns = [compile_condition(one, context).label(f"c{number}") for number, one in enumerate(conditions)]
    return list(session.execute(select(*columns).select_from(Lead)).one())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(known=snapshots, some=st.lists(trees, min_size=1, max_size=8), scope=st.sampled_from(SCOPES))
def test_python_and_sql_agree(engine: Engine, known: Snapshot, some: list[Condition], scope: Scope) -> None:
    with undone(engine) as session:
        insert_snapshot(session, known)
        context = context_of(session, dict(known.segments), scope)

        said = answers_of_sql(session, some, context)

        assert said == [evaluate(one, known, NOW, scope) for one in some]
        read_back = replace(
            known, lead=lead_views(session, [1])[1], events=events_of(session, [1]).get(1, ())
        )
        assert said == [evaluate(one, read_back, NOW, scope) for one in some]


LOGISTICS = CompanyView(
    7, name="Straße", domain="x.example", industry="LOGISTIK", size="50-249", country="DE"
)
CLICK = EventKind.EMAIL_CLICKED
KNOWN = snapshot(
    lead(
        first_name="ÉLODIE",
        owner_id=3,
        company=LOGISTICS,
        score=Score(60, NOW - timedelta(days=30)),
        lifecycle=Lifecycle.LEAD,
        lifecycle_since=NOW - timedelta(days=30),
        tags={"vip": NOW - timedelta(days=2)},
        fields={"seats": 12, "trial": True, "role": "Éditeur", "renewal": "2026-06-30"},
    ),
    event(CLICK, id=1, days_ago=3, verdict=Verdict.HUMAN, data={"link": "https://example.com/A?b=ü", "n": 3}),
    event(CLICK, id=2, days_ago=2, verdict=Verdict.MACHINE),
    leads=condition({"lifecycle": "lead"}),
)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"field": "first_name", "op": "is", "value": "élodie"}, True),
        ({"field": "company.name", "op": "contains", "value": "STRASSE"}, True),
        ({"field": "industry", "op": "is", "value": "logistik"}, True),
        ({"field": "industry", "op": "is_not", "value": "Logistik"}, False),
        ({"field": "last_name", "op": "is_not", "value": "x"}, False),
        ({"field": "last_name", "op": "unknown"}, True),
        ({"field": "country", "op": "is", "value": "de"}, True),
        ({"field": "domain", "op": "is", "value": "EXAMPLE.com"}, True),
        ({"field": "owner", "op": "in", "value": ["2", "3"]}, True),
        ({"field": "company_size", "op": "gte", "value": 50}, True),
        ({"field": "company_size", "op": "gte", "value": 51}, False),
        ({"field": "custom.seats", "op": "gte", "value": "11.5"}, True),
        ({"field": "custom.trial", "op": "is", "value": "true"}, True),
        ({"field": "custom.role", "op": "contains", "value": "ÉDIT"}, True),
        ({"field": "custom.renewal", "op": "before", "value": "2026-07-01"}, True),
        ({"field": "created_at", "op": "is", "value": "2025-12-21"}, True),
        ({"event": "email_clicked"}, True),
        ({"event": "email_clicked", "count": 2}, False),
        ({"event": "email_clicked", "within": "P2D"}, False),
        ({"event": "email_clicked", "where": {"link": "https://example.com/A?b=ü"}}, True),
        ({"event": "email_clicked", "where": {"link": "https://example.com/a?b=ü"}}, False),
        ({"event": "email_clicked", "where": {"n": "3.0"}}, True),
        ({"engagement": {"gte": 30}}, True),
        ({"engagement": {"gte": 30.001}}, False),
        ({"engagement": {"lt": 30.001}}, True),
        ({"has_been": {"lifecycle": "lead"}, "for": "P30D"}, True),
        ({"has_been": {"tag": "vip"}, "for": "P3D"}, False),
        ({"segment": "leads"}, True),
        ({"none": [{"tag": "x"}, {"field": "last_name", "op": "is", "value": "x"}]}, True),
    ],
)
def test_examples(engine: Engine, test: dict[str, Any], expected: bool) -> None:
    with undone(engine) as session:
        insert_snapshot(session, KNOWN)
        context = context_of(session, dict(KNOWN.segments))
        assert answers_of_sql(session, [condition(test)], context) == [expected]
        assert evaluate(condition(test), KNOWN, NOW) is expected


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        # What happened at a passage's very start belongs to it; what is 30 days old is not within 30 days.
        ({"event": "form_submitted"}, True),
        ({"event": "form_submitted", "count": 2}, False),
        ({"event": "form_submitted", "within": "P30D"}, False),
        ({"event": "form_submitted", "within": "P30DT1S"}, True),
        # In a segment all history counts, and there are no messages.
        ({"segment": "twice"}, True),
        ({"segment": "clicked"}, False),
        ({"message": "clicked"}, True),
        # Nobody noted since when: neither true, nor unknown to `none`.
        ({"has_been": {"stage": "awareness"}, "for": "P0D"}, False),
        ({"none": [{"has_been": {"stage": "awareness"}, "for": "P0D"}]}, True),
    ],
)
def test_limits(engine: Engine, test: dict[str, Any], expected: bool) -> None:
    scope = Scope(since=NOW - timedelta(days=30), enrollment_id=5)
    known = snapshot(
        lead(),
        event("form_submitted", id=1, days_ago=30),
        event("form_submitted", id=2, days_ago=31),
        event(CLICK, id=3, days_ago=1, verdict=Verdict.HUMAN, enrollment_id=5),
        twice=condition({"event": "form_submitted", "count": 2}),
        clicked=condition({"message": "clicked"}),
    )
    with undone(engine) as session:
        insert_snapshot(session, known)
        context = context_of(session, dict(known.segments), scope)
        assert answers_of_sql(session, [condition(test)], context) == [expected]
        assert evaluate(condition(test), known, NOW, scope) is expected


def test_without_a_generation_nobody_has_engagement(engine: Engine) -> None:
    with undone(engine) as session:
        insert_snapshot(session, KNOWN)
        context = replace(context_of(session), generation=None)
        some = [condition({"engagement": {"gte": 0.1}}), condition({"engagement": {"gte": 0}})]
        assert answers_of_sql(session, some, context) == [False, True]


def test_it_narrows_a_statement_of_any_kind(engine: Engine) -> None:
    test = condition({"all": [{"event": "email_clicked"}, {"field": "industry", "op": "known"}]})
    with undone(engine) as session:
        insert_snapshot(session, KNOWN)
        holds = compile_condition(test, context_of(session))
        joined = (
            select(func.count()).select_from(Lead).join(Company, Company.id == Lead.company_id).where(holds)
        )
        assert session.scalar(joined) == 1
        session.execute(
            update(Lead).where(holds).values(source="x").execution_options(synchronize_session=False)
        )
        assert session.scalar(select(func.count()).where(Lead.source == "x")) == 1


def test_since_and_enrollment_may_be_columns_of_the_query(engine: Engine) -> None:
    test = condition({"any": [{"event": "form_submitted"}, {"message": "clicked", "step": "hello"}]})
    known = snapshot(
        lead(),
        event("form_submitted", id=1, days_ago=40),
        event(CLICK, id=2, days_ago=3, verdict=Verdict.HUMAN, enrollment_id=1, step="hello"),
    )
    with undone(engine) as session:
        insert_snapshot(session, known)
        session.execute(update(Enrollment).where(Enrollment.campaign_id == 1).values(id=1))
        session.execute(update(Enrollment).where(Enrollment.campaign_id == 2).values(id=2))
        of_passage = replace(context_of(session), since=Enrollment.entered_at, enrollment_id=Enrollment.id)
        passages = select(Enrollment.id).join(Lead, Lead.id == Enrollment.lead_id)
        assert session.scalars(passages.where(compile_condition(test, of_passage))).all() == [1]
        twice = condition({"event": "form_submitted", "count": 2})
        assert session.scalars(passages.where(compile_condition(twice, of_passage))).all() == []


def test_what_there_is_not_is_refused(engine: Engine) -> None:
    with reading(engine) as session:
        for test in (
            {"segment": "x"},
            {"has_been": {"segment": "x"}, "for": "P1D"},
            {"field": "x", "op": "known"},
        ):
            with pytest.raises(InputError, match=r'There is no (segment|field) "x"'):
                compile_condition(condition({"none": [test]}), context_of(session))


@given(trees, snapshots)
def test_no_value_stands_in_the_statement(tree: Condition, known: Snapshot) -> None:
    # The texts of the samples hold quotes, percent signs and backslashes: none may reach the statement.
    for dialect in ("sqlite", "postgresql"):
        context = SetContext(dialect, NOW, HALF_LIFE, GENERATION, known.segments, FIELD_TYPES)
        statement = str(select(Lead.id).where(compile_condition(tree, context)))
        assert not any(word in statement for word in ("'", "o'b", "ogist", "demo", "😀", "\\", "50-249"))


class TestMembersOfASegment:
    WARM = condition({"engagement": {"gte": 10}})

    def prepare(self, engine: Engine, *values: float) -> None:
        with writing(engine) as session:
            for number, value in enumerate(values, start=1):
                somebody = lead(id=number, address=f"{number}@example.com")
                session.add(lead_row(somebody))
                session.flush()
                session.add(score_row(somebody, Score(value, NOW)))

    def members(self, session: Session) -> dict[int, datetime]:
        rows = session.execute(select(SegmentMember.lead_id, SegmentMember.since))
        return {row.lead_id: row.since for row in rows}

    def test_who_comes_in_is_noted_and_who_stays_keeps_its_time(self, engine: Engine) -> None:
        self.prepare(engine, 50, 20, 5)
        later = NOW + timedelta(days=30)
        with writing(engine) as session:
            context = context_of(session, {"warm": self.WARM})
            assert refresh_members(session, "warm", context) == 2
            assert self.members(session) == {1: NOW, 2: NOW}
            assert refresh_members(session, "warm", context) == 0
            assert refresh_members(session, "warm", replace(context, now=later + timedelta(seconds=1))) == 1
            assert self.members(session) == {1: NOW}

    def test_only_the_leads_named_are_looked_at(self, engine: Engine) -> None:
        self.prepare(engine, 50, 50, 50)
        with writing(engine) as session:
            context = context_of(session, {"warm": self.WARM, "other": self.WARM})
            assert refresh_members(session, "other", context, [1]) == 1
            assert refresh_members(session, "warm", context, [1, 2]) == 2
            cold = replace(context, segments={"warm": condition({"any": []})})
            assert refresh_members(session, "warm", cold, [2, 3]) == 1
            rows = session.execute(select(SegmentMember.segment, SegmentMember.lead_id))
            assert sorted(map(tuple, rows)) == [("other", 1), ("warm", 1)]

    def test_who_was_erased_is_in_no_segment(self, engine: Engine) -> None:
        self.prepare(engine, 50)
        with writing(engine) as session:
            context = context_of(session, {"warm": self.WARM})
            assert refresh_members(session, "warm", context) == 1
            session.execute(update(Lead).values(erased_at=NOW))
            assert refresh_members(session, "warm", context) == 1
            assert self.members(session) == {}
