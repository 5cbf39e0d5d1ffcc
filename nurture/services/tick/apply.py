"""Writing down what was decided, a handful of statements for many leads."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from nurture.domain.decide import Exit, Note, Notify, QueueMessage, ReachGoal, SleepUntil, Update
from nurture.services.house import House
from nurture.services.tick.plan import Plan
from nurture.services.tick.tasks import tell
from nurture.services.tick.updates import Change, change_leads
from nurture.store import decisions, enrollments, planning
from nurture.store.decisions import NewDecision
from nurture.store.enrollments import Ending, Standing
from nurture.store.leads import mark_dirty
from nurture.store.messages import cancel_pending

Kind = TypeVar("Kind")

FAILED = "failed"
LONGEST_REASON = 500
"""Of an error's text so much is kept."""


def apply(session: Session, house: House, plans: Sequence[Plan], now: datetime) -> None:
    """Write everything that these plans want done, in this transaction.

    The caller holds the leads: nobody else has changed their passages since they were read.
    """
    changes = [Change(plan.due.passage, update) for plan, update in _each(plans, Update)]
    refusals = change_leads(session, house, changes, now)
    messages = [plan.message for plan in plans if plan.message is not None]
    ids = planning.queue_messages(session, messages, now)
    tell(session, [(plan.due.passage, notify) for plan, notify in _each(plans, Notify)], now)
    enrollments.reach_goals(session, {plan.due.passage.id: goal.at for plan, goal in _each(plans, ReachGoal)})
    enrollments.stand(session, [_standing(plan, sleep) for plan, sleep in _each(plans, SleepUntil)])
    _end(session, plans, now)
    decisions.log(session, [*refusals, *(line for plan in plans for line in _lines(plan, ids))], now)


def _each(plans: Iterable[Plan], kind: type[Kind]) -> Iterator[tuple[Plan, Kind]]:
    for plan in plans:
        for effect in plan.effects:
            if isinstance(effect, kind):
                yield plan, effect


def _standing(plan: Plan, sleep: SleepUntil) -> Standing:
    return Standing(
        enrollment_id=plan.due.passage.id,
        position=sleep.step,
        since=sleep.since,
        occurrence=sleep.occurrence,
        due_at=sleep.due_at,
        held_until=sleep.held_until,
        frozen=sleep.frozen,
        skips=sleep.skips,
    )


def _end(session: Session, plans: Sequence[Plan], now: datetime) -> None:
    endings = list(_endings(plans))
    enrollments.end(session, endings, now)
    _cancel(session, plans, now)
    # Whoever is out of a campaign may be let into it again, or into others.
    over = {ending.enrollment_id for ending in endings}
    mark_dirty(session, {plan.due.passage.lead_id for plan in plans if plan.due.passage.id in over}, now)


def _endings(plans: Iterable[Plan]) -> Iterator[Ending]:
    for plan in plans:
        passage = plan.due.passage
        if plan.error is not None:
            yield Ending(passage.id, FAILED, plan.error[:LONGEST_REASON], passage.position)
        for effect in plan.effects:
            if isinstance(effect, Exit):
                yield Ending(passage.id, effect.status, effect.reason, passage.position)


def _cancel(session: Session, plans: Iterable[Plan], now: datetime) -> None:
    """Mail that was queued earlier does not go to who left, nor to who has reached the goal."""
    reasons: dict[str, list[int]] = {}
    for plan, exit_ in _each(plans, Exit):
        if exit_.status == "exited" or exit_.reason == "goal":
            reasons.setdefault(exit_.reason, []).append(plan.due.passage.id)
    for reason, enrollment_ids in reasons.items():
        cancel_pending(session, enrollment_ids, reason, now)


def _lines(plan: Plan, message_ids: dict[str, int]) -> Iterator[NewDecision]:
    passage = plan.due.passage
    if plan.error is not None:
        yield _line(plan, Note(passage.position, FAILED, "error", plan.error[:LONGEST_REASON]))
    for effect in plan.effects:
        if isinstance(effect, Note):
            yield _line(plan, effect)
        elif isinstance(effect, QueueMessage) and plan.message is not None:
            note = Note(effect.step, "queued", "due", _sentence(effect))
            yield _line(plan, note, message_ids[plan.message.mid])


def _sentence(queued: QueueMessage) -> str:
    what = f'the piece "{queued.piece}"' if queued.piece else f'"{queued.template}"'
    return f"Queued {what}."


def _line(plan: Plan, note: Note, message_id: int | None = None) -> NewDecision:
    return NewDecision(
        lead_id=plan.due.passage.lead_id,
        enrollment_id=plan.due.passage.id,
        campaign=plan.due.passage.campaign,
        step=note.step,
        message_id=message_id,
        outcome=note.outcome,
        reason=note.reason,
        sentence=note.sentence,
        values_seen=note.values_seen,
        next_at=note.next_at,
    )
