"""Fit: points by what is known about a lead, graded only when enough of it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.definition.scoring import FitModel
from nurture.domain.scoring.fit import Fit, fit_of
from nurture.domain.values import CompanyView, Grade, LeadView

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
MODEL = FitModel.model_validate(
    {
        "min_coverage": 0.5,
        "grades": {"A": 70, "B": 45, "C": 20},
        "rules": [
            {
                "key": "industry",
                "when": {"field": "company.industry", "op": "in", "value": ["logistics", "retail"]},
                "points": 45,
            },
            {
                "key": "size",
                "when": {"field": "company.company_size", "op": "gte", "value": 50},
                "points": 25,
            },
            {
                "key": "buyer",
                "when": {
                    "all": [
                        {"field": "custom.role", "value": "finance"},
                        {"none": [{"field": "lead.country", "value": "FR"}]},
                    ]
                },
                "points": 10,
            },
            {
                "key": "student",
                "when": {"any": [{"field": "custom.role", "value": "student"}]},
                "points": -60,
            },
        ],
    }
)


def fit(model: FitModel = MODEL, *, role: str | None = None, **company: Any) -> Fit:
    who = LeadView(
        id=1,
        address="a@example.com",
        created_at=NOW,
        country="GB",
        company=CompanyView(id=1, **company),
        fields={"role": role},
    )
    return fit_of(model, Snapshot(who, (), timedelta(days=30), field_types={"role": "text"}), NOW)


def test_points_of_the_rules_that_hold_add_up() -> None:
    assert fit(industry="Logistics", size="50-249", role="finance") == Fit(80, 1.0, Grade.A)
    assert fit(industry="logistics", size="50-249", role="student") == Fit(10, 1.0, Grade.D)


def test_too_little_known_is_no_grade() -> None:
    assert fit(industry="logistics") == Fit(45, 0.25, Grade.UNKNOWN)
    assert fit(industry="logistics", size="1-9") == Fit(45, 0.5, Grade.B)


def test_a_rule_over_several_fields_is_known_when_all_of_them_are() -> None:
    assert fit(role="finance").coverage == 0.5


@pytest.mark.parametrize(
    ("points", "grade"),
    [
        (70, Grade.A),
        (69.9, Grade.B),
        (45, Grade.B),
        (44.9, Grade.C),
        (20, Grade.C),
        (19.9, Grade.D),
        (-5, Grade.D),
    ],
)
def test_grades_begin_at_their_points(points: float, grade: Grade) -> None:
    rule = {"key": "k", "when": {"field": "company.industry", "value": "retail"}, "points": points}
    model = FitModel.model_validate({"grades": {"A": 70, "B": 45, "C": 20}, "rules": [rule]})

    assert fit(model, industry="retail").grade == grade


def test_without_rules_nobody_has_a_fit() -> None:
    model = FitModel.model_validate({"min_coverage": 0, "grades": {"A": 70, "B": 45, "C": 20}})

    assert fit(model) == Fit(0, 0, Grade.UNKNOWN)
