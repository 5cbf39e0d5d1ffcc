"""Fields: what may be asked of each, and what a wrong question is told."""

from typing import Any

import pytest
from hypothesis import given

from nurture.domain.conditions.evaluate import evaluate
from nurture.domain.conditions.fields import (
    ALIASES,
    FIELDS,
    Value,
    find_field,
    lower_bound,
    number,
    problem_of,
    raw_value_of,
    value_of,
)
from nurture.domain.conditions.tree import FieldTest
from nurture.domain.values import CompanyView, LeadView
from tests.domain.conditions.samples import FIELD_TYPES, NOW, field_tests, lead, snapshot


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("language", "lead.language"),
        ("lead.email", "lead.address"),
        ("company_size", "company.size"),
        ("company.company_size", "company.size"),
        ("industry", "company.industry"),
        ("domain", "lead.domain"),
        ("custom.role", "custom.role"),
    ],
)
def test_short_names(name: str, field: str) -> None:
    assert str(find_field(name, FIELD_TYPES)) == field


def test_every_short_name_means_a_field() -> None:
    assert set(ALIASES.values()) <= set(FIELDS)


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ({"field": "shoe", "op": "known"}, 'There is no field "shoe". Use one of lead.address, '),
        (
            {"field": "custom.shoe", "op": "known"},
            'There is no custom field "shoe". Declare it in organisation.yaml',
        ),
        (
            {"field": "language", "op": "gte", "value": "fr"},
            '"gte" cannot be asked of lead.language, which holds a code. Use one of contains, in, is',
        ),
        (
            {"field": "custom.seats", "op": "is", "value": "x"},
            '"x" cannot be compared with custom.seats: write a num',
        ),
        ({"field": "custom.seats", "op": "in", "value": (1, "1e999")}, '"1e999" cannot be compared'),
        ({"field": "custom.trial", "op": "is", "value": "1"}, "write true or false."),
        ({"field": "custom.renewal", "op": "before", "value": "P3D"}, "write a date such as 2026-12-31."),
        ({"field": "created_at", "op": "after", "value": "yesterday"}, "write a date such as"),
        ({"field": "company_size", "op": "gte", "value": "many"}, "a number of people or a band"),
        ({"field": "company_size", "op": "gte", "value": "9" * 19}, "a number of people or a band"),
        ({"field": "first_name", "op": "is", "value": ""}, 'ask with "unknown"'),
        ({"field": "first_name", "op": "is", "value": "a\x00"}, "write a text"),
        ({"field": "language", "op": "is", "value": "\ud800"}, "write a text"),
    ],
)
def test_a_wrong_question_is_told_what_to_do(test: dict[str, Any], words: str) -> None:
    assert words in str(problem_of(FieldTest.model_validate(test), FIELD_TYPES))


@pytest.mark.parametrize(
    "test",
    [
        {"field": "company_size", "op": "gte", "value": "50-249"},
        {"field": "custom.renewal", "op": "in", "value": ("2026-01-01", "20260102")},
        {"field": "custom.trial", "op": "is", "value": "No"},
        {"field": "custom.role", "op": "known"},
    ],
)
def test_a_good_question_is_no_problem(test: dict[str, Any]) -> None:
    assert problem_of(FieldTest.model_validate(test), FIELD_TYPES) is None


@given(field_tests)
def test_a_question_that_cannot_be_asked_has_no_answer(fields: dict[str, Any]) -> None:
    test = FieldTest.model_validate(fields)
    somebody = lead(first_name="x", fields={"role": "x", "seats": 1, "trial": True, "renewal": "2026-01-01"})
    problem = problem_of(test, FIELD_TYPES)
    if problem and "cannot be" in problem and test.op != "in":
        assert not evaluate(test, snapshot(somebody), NOW)


@pytest.mark.parametrize(
    ("field", "somebody", "raw", "ready"),
    [
        (
            "custom.role",
            lead(fields={"role": "CFO"}, company=CompanyView(1, fields={"role": "x"})),
            "CFO",
            "cfo",
        ),
        ("custom.role", lead(fields={"role": ""}, company=CompanyView(1, fields={"role": "X"})), "X", "x"),
        ("custom.role", lead(fields={"role": 5}), None, None),
        ("custom.seats", lead(fields={"seats": True}), None, None),
        ("custom.seats", lead(fields={"seats": 0}), 0, 0),
        ("custom.trial", lead(fields={"trial": 1}), None, None),
        ("lead.country", lead(country="", company=CompanyView(1, country="FR")), "FR", "fr"),
        ("lead.language", lead(language="ÉN"), "ÉN", "Én"),
        ("lead.domain", lead(address="a@B.example"), "B.example", "b.example"),
        ("company.name", lead(), None, None),
    ],
)
def test_what_a_lead_has_in_a_field(field: str, somebody: LeadView, raw: object, ready: Value | None) -> None:
    found = find_field(field, FIELD_TYPES)
    assert raw_value_of(found, somebody) == raw
    assert value_of(found, somebody) == ready


@pytest.mark.parametrize(
    ("band", "bound"),
    [("50-249", 50), ("1000+", 1000), ("120", 120), ("many", None), ("", None), ("-5", None)],
)
def test_where_a_band_begins(band: str, bound: int | None) -> None:
    assert lower_bound(band) == bound


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        (" -0.5 ", -0.5),
        ("1e3", 1000.0),
        ("nan", None),
        ("inf", None),
        ("1_000", None),
        ("٣", None),
    ],
)
def test_numbers_as_they_are_written(text: str, value: float | None) -> None:
    assert number(text) == value
