"""What moves a lead on its two ladders: rules, people and steps of campaigns.

Lifecycle rules are tried before stage rules, each ladder's in the order of the file, one move at a time until
none holds. Within one evaluation nobody comes back to a rung, so rules cannot chase each other for ever.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from nurture.domain.conditions.evaluate import Scope, Snapshot, evaluate
from nurture.domain.definition.ladders import LadderRule, Ladders
from nurture.domain.definition.scoring import exact
from nurture.domain.errors import ConflictError
from nurture.domain.values import LeadView, Lifecycle, Stage

BY_HAND = "by-hand"
"""The rule of moves that a person or a campaign's step makes."""
BY_LIFECYCLE = "on-lifecycle"
"""The rule of a stage that comes with a lifecycle."""
BY_PAIRS = "pairs"
"""The rule of a stage that is taken because the one before does not go with the lifecycle."""


Rule = LadderRule[Lifecycle] | LadderRule[Stage]


class LadderName(StrEnum):
    """Which ladder a move is on."""

    LIFECYCLE = "lifecycle"
    STAGE = "stage"


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a lead from rung to rung: by which rule, why, and after which event if it was one."""

    lead_id: int
    to: Lifecycle | Stage
    from_: Lifecycle | Stage
    at: datetime
    rule: str
    reason: str
    actor: str = "nurture"
    pinned_until: datetime | None = None
    event_id: int | None = None

    @property
    def ladder(self) -> LadderName:
        """The ladder that the rungs belong to."""
        return LadderName.LIFECYCLE if isinstance(self.to, Lifecycle) else LadderName.STAGE


@dataclass(frozen=True, slots=True)
class Wish:
    """A move that somebody asks for. A person's is pinned; a step's gives way to a pin."""

    lead_id: int
    to: Lifecycle | Stage
    reason: str
    actor: str
    by_person: bool


def advance(snapshot: Snapshot, ladders: Ladders, now: datetime) -> tuple[Move, ...]:
    """The moves that the rules make at `now`, in their order."""
    been: set[Lifecycle | Stage] = {snapshot.lead.lifecycle, snapshot.lead.stage}
    moves: tuple[Move, ...] = ()
    while step := _next_step(snapshot, ladders, been, now):
        moves += step
        been |= {move.to for move in step}
        snapshot = replace(snapshot, lead=landed(snapshot.lead, step))
    return moves


def _next_step(
    snapshot: Snapshot, ladders: Ladders, been: set[Lifecycle | Stage], now: datetime
) -> tuple[Move, ...]:
    lead = snapshot.lead
    if lead.stage not in ladders.allowed(lead.lifecycle):
        return (_fitting_stage(snapshot, ladders, now),)
    if not pinned(lead.lifecycle_pinned_until, now):
        for rule in ladders.lifecycle.rules:
            if rule.to not in been and _fires(rule, lead.lifecycle, lead.lifecycle_since, snapshot, now):
                move = _by_rule(lead, lead.lifecycle, rule, now)
                return (move, *_stage_by_lifecycle(landed(lead, (move,)), ladders, now))
    if not pinned(lead.stage_pinned_until, now):
        for step in _stage_rules(snapshot, ladders, now):
            if step.to not in been:
                return (_by_rule(lead, lead.stage, step, now),)
    return ()


def _stage_rules(snapshot: Snapshot, ladders: Ladders, now: datetime) -> Iterator[LadderRule[Stage]]:
    """The stage rules that hold and lead to a stage that goes with the lifecycle."""
    lead = snapshot.lead
    for rule in ladders.stage.rules:
        if rule.to in ladders.allowed(lead.lifecycle) and _fires(
            rule, lead.stage, lead.stage_since, snapshot, now
        ):
            yield rule


def _fires(
    rule: Rule, rung: Lifecycle | Stage, since: datetime | None, snapshot: Snapshot, now: datetime
) -> bool:
    if rung not in rule.from_ or now < dwelt(rule, since or snapshot.lead.created_at):
        return False
    return evaluate(rule.when, snapshot, now, Scope(since=since))


def dwelt(rule: Rule, since: datetime) -> datetime:
    """From when on the rule may move a lead that has been on its rung `since` then."""
    return since + exact(rule.dwell) if rule.dwell is not None else since


def pinned(until: datetime | None, now: datetime) -> bool:
    """Whether a person's move still holds."""
    return until is not None and now < until


def _fitting_stage(snapshot: Snapshot, ladders: Ladders, now: datetime) -> Move:
    """Where a lead goes whose stage does not go with its lifecycle: by its rules, else to the first."""
    lead = snapshot.lead
    rule = next(_stage_rules(snapshot, ladders, now), None)
    if rule is not None:
        return _by_rule(lead, lead.stage, rule, now)
    return _by_pairs(lead, ladders, now)


def _stage_by_lifecycle(lead: LeadView, ladders: Ladders, now: datetime) -> tuple[Move, ...]:
    """The stage that comes with the lifecycle just reached, unless a person pinned one that goes with it."""
    stage = ladders.on_lifecycle.get(lead.lifecycle, lead.stage)
    held = pinned(lead.stage_pinned_until, now) and lead.stage in ladders.allowed(lead.lifecycle)
    if stage == lead.stage or held:
        return ()
    reason = f"It became {lead.lifecycle}"
    return (Move(lead.id, to=stage, from_=lead.stage, at=now, rule=BY_LIFECYCLE, reason=reason),)


def _by_pairs(lead: LeadView, ladders: Ladders, now: datetime) -> Move:
    stage = ladders.allowed(lead.lifecycle)[0]
    reason = f"The stage {lead.stage} does not go with {lead.lifecycle}"
    return Move(lead.id, to=stage, from_=lead.stage, at=now, rule=BY_PAIRS, reason=reason)


def _by_rule(lead: LeadView, rung: Lifecycle | Stage, rule: Rule, now: datetime) -> Move:
    return Move(lead.id, to=rule.to, from_=rung, at=now, rule=rule.key, reason=rule.title)


def landed(lead: LeadView, moves: Iterable[Move]) -> LeadView:
    """The lead after these moves; a move ends the pin of its ladder unless it brings one."""
    for move in moves:
        to, at, pin = move.to, move.at, move.pinned_until
        if isinstance(to, Lifecycle):
            lead = replace(lead, lifecycle=to, lifecycle_since=at, lifecycle_pinned_until=pin)
        else:
            lead = replace(lead, stage=to, stage_since=at, stage_pinned_until=pin)
    return lead


def move(lead: LeadView, ladders: Ladders, wish: Wish, now: datetime) -> tuple[Move, ...]:
    """The moves that fulfil a wish; none where the lead is there already, or a pin holds against a step.

    Raises:
        ConflictError: when the stage does not go with the lead's lifecycle.
    """
    lifecycle = isinstance(wish.to, Lifecycle)
    rung, pin = (
        (lead.lifecycle, lead.lifecycle_pinned_until) if lifecycle else (lead.stage, lead.stage_pinned_until)
    )
    if wish.to == rung or (not wish.by_person and pinned(pin, now)):
        return ()
    allowed = ladders.allowed(lead.lifecycle)
    if not lifecycle and wish.to not in allowed:
        raise ConflictError(
            f'Lead {lead.id} is "{lead.lifecycle}", with which the stage "{wish.to}" does not go. '
            f"Choose {' or '.join(allowed)}, or change its lifecycle first."
        )
    until = now + exact(ladders.pin) if wish.by_person else None
    wished = Move(lead.id, wish.to, rung, now, BY_HAND, wish.reason, wish.actor, pinned_until=until)
    if not lifecycle:
        return (wished,)
    arrived = landed(lead, (wished,))
    followed = _stage_by_lifecycle(arrived, ladders, now)
    if landed(arrived, followed).stage not in ladders.allowed(arrived.lifecycle):
        followed = (_by_pairs(arrived, ladders, now),)
    return (wished, *followed)
