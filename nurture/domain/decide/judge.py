"""Conditions as a passage sees them: whether one holds, why, and when time alone may change that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nurture.domain.conditions.evaluate import Scope, evaluate
from nurture.domain.conditions.explain import Clause, explain
from nurture.domain.conditions.recheck import recheck_at
from nurture.domain.conditions.tree import Condition
from nurture.domain.decide.scene import Scene
from nurture.domain.definition.steps import WaitStep
from nurture.domain.values import Scalar


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a condition holds; if it does, why, and on which values."""

    holds: bool
    sentence: str = ""
    values: Mapping[str, Scalar] = field(default_factory=dict)


def judge(scene: Scene, condition: Condition, since: datetime) -> Judgement:
    """Look at a condition for which events count from `since` on.

    Raises:
        InputError: when it names a field or a segment that there is not.
    """
    snapshot, scope = scene.context.snapshot, Scope(since, scene.passage.id)
    if not evaluate(condition, snapshot, scene.now, scope):
        return Judgement(False)
    clauses = tuple(_tests(explain(condition, snapshot, scene.now, scope)))
    reasons = [clause.text for clause in clauses if clause.truth] or [
        f"not {clause.text}" for clause in clauses
    ]
    return Judgement(True, "; ".join(reasons), {clause.text: clause.seen for clause in clauses})


def _tests(clause: Clause) -> Iterator[Clause]:
    if not clause.children:
        yield clause
    for child in clause.children:
        yield from _tests(child)


def may_change_at(scene: Scene, step: str | None) -> datetime | None:
    """The earliest instant at which an exit, the goal or the wait at `step` may come true by time alone."""
    definition = scene.flow.definition
    conditions = [*definition.exit]
    if definition.goal is not None and definition.goal.when is not None:
        conditions.append(definition.goal.when)
    standing = scene.flow.steps.get(step or "")
    if isinstance(standing, WaitStep) and standing.wait.or_until is not None:
        conditions.append(standing.wait.or_until)
    return recheck_at(conditions, scene.context.snapshot, scene.now)
