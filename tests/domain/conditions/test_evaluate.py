"""Conditions: what each test means, and that an explanation never says otherwise."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from nurture.domain.conditions.evaluate import Scope, Snapshot, evaluate
from nurture.domain.conditions.explain import Clause, explain
from nurture.domain.conditions.tree import Condition
from nurture.domain.errors import InputError
from nurture.domain.events import EventKind, Verdict
from nurture.domain.values import CompanyView, Grade, Lifecycle, Score, Stage
from tests.domain.conditions.samples import NOW, condition, event, lead, snapshot, snapshots, trees

COMPANY = CompanyView(
    7,
    name="Straße & Söhne",
    domain="strasse.example",
    industry="logistics",
    size="50-249",
    country="DE",
    fields={"seats": 12, "renewal": "2026-06-30", "note": "Éclair"},
)
SOMEBODY = lead(
    first_name="Élodie",
    language="fr",
    company=COMPANY,
    owner_id=3,
    fields={"role": "Finance", "trial": True, "seats": None},
)
NOBODY = lead()


def days(number: float) -> timedelta:
    return timedelta(days=number)


@pytest.mark.parametrize(
    ("field", "op", "value", "of_somebody", "of_nobody"),
    [
        # Text is compared folded.
        ("lead.first_name", "is", "ÉLODIE", True, False),
        ("first_name", "is", "E\u0301lodie", True, False),
        ("first_name", "is", "Elodie", False, False),
        ("company.name", "contains", "STRASSE", True, False),
        ("company", "is", "strasse & söhne", True, False),
        ("industry", "is", "Logistics", True, False),
        ("company.industry", "is_not", "health", True, False),
        ("company.industry", "is_not", "logistics", False, False),
        ("company.industry", "in", ["health", "logistics"], True, False),
        ("company.industry", "in", [], False, False),
        ("company.industry", "known", None, True, False),
        ("company.industry", "unknown", None, False, True),
        # A country is the lead's, else its company's.
        ("country", "is", "de", True, False),
        ("company.country", "is", "FR", False, False),
        ("email", "contains", "@EXAMPLE", True, True),
        ("domain", "is", "example.com", True, True),
        ("lead.language", "in", ["pt", "FR"], True, False),
        ("owner", "is", "3", True, False),
        ("owner", "unknown", None, False, True),
        # Sizes are bands: as written, or by where they begin.
        ("company_size", "is", "50-249", True, False),
        ("company.company_size", "gte", "50", True, False),
        ("company.size", "gte", 51, False, False),
        ("company_size", "lte", "50-249", True, False),
        ("company_size", "lte", "1-9", False, False),
        ("company_size", "gte", "many", False, False),
        # Custom fields are the lead's, or its company's.
        ("custom.role", "is", "finance", True, False),
        ("custom.trial", "is", "yes", True, False),
        ("custom.trial", "is_not", "true", False, False),
        ("custom.seats", "is", "12", True, False),
        ("custom.seats", "gte", "12.5", False, False),
        ("custom.seats", "lte", 12.5, True, False),
        ("custom.seats", "is", "twelve", False, False),
        ("custom.seats", "is_not", "twelve", False, False),
        ("custom.seats", "contains", "1", False, False),
        ("custom.renewal", "before", "2026-07-01", True, False),
        ("custom.renewal", "after", "2026-06-30", False, False),
        ("custom.renewal", "gte", "2026-06-30", True, False),
        ("custom.renewal", "before", "soon", False, False),
        ("custom.note", "contains", "éc", True, False),
        ("custom.undeclared", "unknown", None, True, True),
        # 100 days before 31 March 2026.
        ("created_at", "is", "2025-12-21", True, True),
        ("created_at", "before", "2025-12-21", False, False),
        ("created_at", "after", "2025-12-20", True, True),
    ],
)
def test_fields(field: str, op: str, value: Any, of_somebody: bool, of_nobody: bool) -> None:
    test = condition({"field": field, "op": op, "value": tuple(value) if isinstance(value, list) else value})
    assert evaluate(test, snapshot(SOMEBODY), NOW) is of_somebody
    assert evaluate(test, snapshot(NOBODY), NOW) is of_nobody


CLICK, OPEN, FORM = EventKind.EMAIL_CLICKED, EventKind.EMAIL_OPENED, EventKind.FORM_SUBMITTED
HISTORY = snapshot(
    NOBODY,
    event(FORM, id=1, days_ago=100, data={"form": "demo", "seats": 12, "first": True}),
    event(CLICK, id=2, days_ago=30, verdict=Verdict.HUMAN, enrollment_id=5, step="hello"),
    event(CLICK, id=3, days_ago=3, verdict=Verdict.MACHINE, enrollment_id=5, step="nudge"),
    event(OPEN, id=4, days_ago=2, verdict=Verdict.PROXY, enrollment_id=5, step="nudge"),
    event(FORM, id=5, days_ago=1, data={"form": "offer", "seats": "12", "first": None}),
)
IN_CAMPAIGN = Scope(since=NOW - timedelta(days=40), enrollment_id=5)


@pytest.mark.parametrize(
    ("test", "anywhere", "in_campaign"),
    [
        ({"event": "form_submitted", "count": 2}, True, False),
        ({"event": "form_submitted", "count": 2, "ever": True}, True, True),
        ({"event": "form_submitted", "count": 2, "within": "P101D"}, True, True),
        ({"event": "form_submitted", "count": 3}, False, False),
        ({"event": "email_clicked"}, True, True),
        # A machine's click is none, and what happened thirty days ago is no longer within thirty days.
        ({"event": "email_clicked", "count": 2}, False, False),
        ({"event": "email_clicked", "within": "P30D"}, False, False),
        ({"event": "email_clicked", "within": "P1M1D"}, True, True),
        ({"event": "email_opened"}, True, True),
        ({"event": "purchased"}, False, False),
        ({"event": "form_submitted", "where": {"form": "demo"}}, True, False),
        ({"event": "form_submitted", "where": {"form": "Demo"}}, False, False),
        ({"event": "form_submitted", "where": {"form": ["demo", "offer"]}, "count": 2}, True, False),
        ({"event": "form_submitted", "where": {"seats": "12"}, "count": 2}, True, False),
        ({"event": "form_submitted", "where": {"seats": "12.0"}}, True, False),
        ({"event": "form_submitted", "where": {"first": "true"}}, True, False),
        ({"event": "form_submitted", "where": {"first": "1"}}, False, False),
        ({"event": "form_submitted", "where": {"form": "demo", "other": "x"}}, False, False),
        # Messages are those of this enrollment, and need a person.
        ({"message": "clicked"}, False, True),
        ({"message": "clicked", "step": "hello"}, False, True),
        ({"message": "clicked", "step": "nudge"}, False, False),
        ({"message": "opened", "step": "nudge"}, False, True),
        ({"message": "replied"}, False, False),
    ],
)
def test_events_and_messages(test: dict[str, Any], anywhere: bool, in_campaign: bool) -> None:
    assert evaluate(condition(test), HISTORY, NOW) is anywhere
    assert evaluate(condition(test), HISTORY, NOW, IN_CAMPAIGN) is in_campaign
    assert not evaluate(condition({"message": "clicked"}), HISTORY, NOW, Scope(enrollment_id=6))


@pytest.mark.parametrize(
    ("score", "bounds", "expected"),
    [
        (Score(60, NOW), {"gte": 60}, True),
        (Score(60, NOW), {"gte": 60.1}, False),
        (Score(60, NOW), {"lt": 60}, False),
        (Score(60, NOW - days(30)), {"gte": 30}, True),
        (Score(60, NOW - days(30.001)), {"gte": 30}, False),
        (Score(60, NOW - days(30.001)), {"gte": 20, "lt": 30}, True),
        (Score(60, NOW + days(30)), {"gte": 120}, True),
        (None, {"gte": 0}, True),
        (None, {"lt": 0.1}, True),
        (None, {"gte": 0.1}, False),
        (Score(0, NOW), {"gte": 0.1}, False),
        # Nobody is shown less than 0, so nobody has less than 0.
        (Score(-5, NOW), {"gte": 0}, True),
        (Score(-5, NOW), {"lt": 0}, False),
        (Score(-5, NOW), {"lt": 0.1}, True),
        (Score(60, NOW), {"gte": "inf"}, False),
        (Score(60, NOW), {"gte": "nan"}, False),
    ],
)
def test_engagement(score: Score | None, bounds: dict[str, Any], expected: bool) -> None:
    assert evaluate(condition({"engagement": bounds}), snapshot(lead(score=score)), NOW) is expected


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"fit": {"at_least": "B"}}, True),
        ({"fit": {"at_least": "A"}}, False),
        ({"lifecycle": "lead"}, True),
        ({"lifecycle": ["suspect", "lead"]}, True),
        ({"lifecycle": []}, False),
        ({"stage": "decision"}, False),
        ({"stage": ["interest", "decision"]}, True),
        ({"tag": "vip"}, True),
        ({"tag": "VIP"}, False),
        ({"in_campaign": "welcome"}, True),
        ({"in_campaign": "offer"}, False),
        ({"segment": "leads"}, True),
        ({"segment": "customers"}, False),
        ({"all": []}, True),
        ({"any": []}, False),
        ({"none": []}, True),
        ({"all": [{"tag": "vip"}, {"stage": "interest"}]}, True),
        ({"all": [{"tag": "vip"}, {"stage": "action"}]}, False),
        ({"any": [{"tag": "x"}, {"stage": "interest"}]}, True),
        ({"none": [{"tag": "x"}, {"stage": "interest"}]}, False),
        # 30 days a lead, 10 days in its stage, tagged for a day, for 20 days in the segment.
        ({"has_been": {"lifecycle": "lead"}, "for": "P30D"}, True),
        ({"has_been": {"lifecycle": "lead"}, "for": "P31D"}, False),
        ({"has_been": {"lifecycle": "customer"}, "for": "P1D"}, False),
        ({"has_been": {"stage": "interest"}, "for": "P10D"}, True),
        ({"has_been": {"stage": "action"}, "for": "P1D"}, False),
        ({"has_been": {"tag": "vip"}, "for": "P1D"}, True),
        ({"has_been": {"tag": "vip"}, "for": "P2D"}, False),
        ({"has_been": {"tag": "other"}, "for": "P1D"}, False),
        ({"has_been": {"segment": "leads"}, "for": "P20D"}, True),
        ({"has_been": {"segment": "leads"}, "for": "P21D"}, False),
        # It left the segment, and nobody has noted it yet.
        ({"has_been": {"segment": "customers"}, "for": "P1D"}, False),
    ],
)
def test_what_a_lead_is(test: dict[str, Any], expected: bool) -> None:
    somebody = lead(
        fit=Grade.B,
        lifecycle=Lifecycle.LEAD,
        lifecycle_since=NOW - days(30),
        stage=Stage.INTEREST,
        stage_since=NOW - days(10),
        tags={"vip": NOW - days(1)},
        segments={"leads": NOW - days(20), "customers": NOW - days(20)},
        campaigns=frozenset({"welcome"}),
    )
    known = snapshot(
        somebody, leads=condition({"lifecycle": "lead"}), customers=condition({"lifecycle": "customer"})
    )
    assert evaluate(condition(test), known, NOW) is expected


def test_an_unknown_fit_is_never_good_enough() -> None:
    for grade in Grade:
        assert not evaluate(condition({"fit": {"at_least": grade}}), snapshot(lead()), NOW)


def test_a_segment_counts_all_history_even_inside_a_campaign() -> None:
    known = snapshot(NOBODY, event(FORM, days_ago=100), submitted=condition({"event": "form_submitted"}))
    assert evaluate(condition({"segment": "submitted"}), known, NOW, IN_CAMPAIGN)
    assert not evaluate(condition({"event": "form_submitted"}), known, NOW, IN_CAMPAIGN)


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ({"segment": "nobody"}, 'There is no segment "nobody"'),
        ({"none": [{"segment": "nobody"}]}, 'There is no segment "nobody"'),
        ({"has_been": {"segment": "nobody"}, "for": "P1D"}, 'There is no segment "nobody"'),
        (
            {"field": "shoe", "op": "is", "value": "42"},
            r'There is no field "shoe"\. Use one of lead\.address',
        ),
        ({"field": "custom.Role", "op": "known"}, r"company\.zone, custom\.note, custom\.renewal"),
    ],
)
def test_what_there_is_not_is_refused(test: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        evaluate(condition(test), snapshot(NOBODY), NOW)
    with pytest.raises(InputError, match=words):
        explain(condition(test), snapshot(NOBODY), NOW)


@given(trees, snapshots)
def test_none_is_the_opposite_of_any(tree: Condition, known: Snapshot) -> None:
    scope = Scope(since=NOW - days(30), enrollment_id=5)
    holds = evaluate(tree, known, NOW, scope)
    assert evaluate(condition({"none": [tree]}), known, NOW, scope) is not holds
    assert evaluate(condition({"all": [tree, {"any": [tree]}]}), known, NOW, scope) is holds


@given(trees, snapshots)
def test_an_explanation_agrees_with_the_answer(tree: Condition, known: Snapshot) -> None:
    scope = Scope(since=NOW - days(30), enrollment_id=5)
    clause = explain(tree, known, NOW, scope)
    assert clause.truth is evaluate(tree, known, NOW, scope)
    assert clause.truth is _truth_by_its_parts(clause)


def _truth_by_its_parts(clause: Clause) -> bool:
    parts = [_truth_by_its_parts(child) for child in clause.children]
    match clause.text:
        case "all of these":
            return all(parts)
        case "any of these":
            return any(parts)
        case "none of these":
            return not any(parts)
        case _:
            return parts[0] if parts else clause.truth


@pytest.mark.parametrize(("day", "expected"), [("2026-03-01", True), ("2026-02-28", False)])
def test_on_the_31st_a_month_goes_back_to_the_end_of_february(day: str, expected: bool) -> None:
    at = datetime.fromisoformat(f"{day}T12:00+00:00")
    known = snapshot(NOBODY, event(FORM, at=at))
    assert evaluate(condition({"event": "form_submitted", "within": "P1M"}), known, NOW) is expected
