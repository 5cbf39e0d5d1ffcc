"""Fit: who a lead is, whatever it does. It never fades."""

import math
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.conditions.evaluate import Snapshot, evaluate
from nurture.domain.conditions.fields import find_field, value_of
from nurture.domain.definition.scoring import FitModel, Grades, fields_of
from nurture.domain.values import Grade


@dataclass(frozen=True, slots=True)
class Fit:
    """Points of the rules that hold, the share of rules whose fields are known, and the grade of both."""

    points: float
    coverage: float
    grade: Grade


def fit_of(model: FitModel, snapshot: Snapshot, now: datetime) -> Fit:
    """How well the lead's attributes match; the grade is unknown where too few of them are known."""
    if not model.rules:
        return Fit(0.0, 0.0, Grade.UNKNOWN)
    known = [rule for rule in model.rules if _is_known(fields_of(rule.when), snapshot)]
    coverage = len(known) / len(model.rules)
    points = math.fsum(rule.points for rule in model.rules if evaluate(rule.when, snapshot, now))
    grade = _grade(points, model.grades) if coverage >= model.min_coverage else Grade.UNKNOWN
    return Fit(points, coverage, grade)


def _is_known(fields: frozenset[str], snapshot: Snapshot) -> bool:
    return all(value_of(find_field(name, snapshot.field_types), snapshot.lead) is not None for name in fields)


def _grade(points: float, grades: Grades) -> Grade:
    if points >= grades.A:
        return Grade.A
    if points >= grades.B:
        return Grade.B
    return Grade.C if points >= grades.C else Grade.D
