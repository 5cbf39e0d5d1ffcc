"""What is to be done for one lead: a decision for each passage, and the budget over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nurture.domain.decide import Effect, Flow, Note, QueueMessage, SleepUntil, decide
from nurture.domain.errors import NotFound
from nurture.domain.governor import Attention, Later, ask
from nurture.services.tick.load import DueLead, Load
from nurture.store.campaigns import ACTIVE
from nurture.store.enrollments import DuePassage
from nurture.store.messages.names import new_mid
from nurture.store.planning import NewMessage


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for one passage; nothing but noting `error` where deciding failed."""

    due: DuePassage
    effects: tuple[Effect, ...] = ()
    message: NewMessage | None = None
    error: str | None = None


def plan(load: Load, lead: DueLead, now: datetime) -> tuple[Plan, ...]:
    """Decide for every due passage of a lead whose campaign runs, those of higher priority first.

    What one passage takes of the budget or of the streams, the next one does not find any more. A
    passage that cannot be decided stops nobody else.
    """
    plans: list[Plan] = []
    for due in sorted(lead.passages, key=lambda due: _rank(load, due)):
        if due.campaign_status != ACTIVE:
            continue
        made = _plan_safely(load, lead, due, now)
        plans.append(made)
        if made.message is not None:
            piece = made.message.piece
            read = lead.read if piece is None else lead.read | {piece}
            lead = replace(lead, read=read, spent=(*lead.spent, now))
    return tuple(plans)


def _rank(load: Load, due: DuePassage) -> tuple[int, int]:
    flow = load.rules.flows.get(due.passage.version_id)
    return (-flow.definition.priority if flow else 0, due.passage.id)


def _plan_safely(load: Load, lead: DueLead, due: DuePassage, now: datetime) -> Plan:
    try:
        return _plan(load, lead, due, now)
    except Exception as error:
        # Whatever it is that goes wrong with one passage: it is written down with it, and the others go on.
        return Plan(due, error=f"{type(error).__name__}: {error}")


def _plan(load: Load, lead: DueLead, due: DuePassage, now: datetime) -> Plan:
    passage = due.passage
    flow = load.rules.flows.get(passage.version_id)
    if flow is None:
        raise NotFound(
            f'Version {passage.version_id} of "{passage.campaign}" cannot be read. Publish it again.'
        )
    zone = load.zone(lead.snapshot.lead, flow)
    effects = decide(flow, passage, load.context(lead, passage.id, zone, lead.read), now)
    effects = govern(effects, load, load.attention(lead, zone), now)
    queued = next((effect for effect in effects if isinstance(effect, QueueMessage)), None)
    message = None if queued is None else _message(load, lead, due, flow, queued)
    return Plan(due, effects, message)


def govern(
    effects: tuple[Effect, ...], load: Load, attention: Attention, now: datetime
) -> tuple[Effect, ...]:
    """The effects as the budget allows them: a message that it does not waits, and so does all after it."""
    for number, effect in enumerate(effects):
        if isinstance(effect, QueueMessage):
            later = ask(load.rules.budget, attention, now)
            if later is not None:
                return (*effects[:number], *_postponed(effect, later))
    return effects


def _postponed(message: QueueMessage, later: Later) -> Sequence[Effect]:
    note = Note(message.step, "later", "budget", later.sentence, next_at=later.at)
    sleep = SleepUntil(message.step, message.since, later.at, message.occurrence, held_until=later.at)
    return (note, sleep)


def _message(load: Load, lead: DueLead, due: DuePassage, flow: Flow, queued: QueueMessage) -> NewMessage:
    return NewMessage(
        mid=new_mid(),
        lead_id=due.passage.lead_id,
        enrollment_id=due.passage.id,
        campaign_id=due.campaign_id,
        step=queued.step,
        occurrence=queued.occurrence,
        template_version_id=load.rules.catalogue.version_for(queued.template, lead.snapshot.lead.language),
        piece=queued.piece,
        topic=queued.topic,
        identity=queued.identity,
        priority=flow.definition.priority,
        not_after=queued.not_after,
    )
