"""Goals reached after a passage is over, or by somebody who was held out: what lift is measured by."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.decide import Context, Flow, Passage
from nurture.domain.decide.endings import goal_reached_at
from nurture.domain.decide.scene import Scene
from nurture.domain.events import Event
from nurture.domain.react import kinds_counted
from nurture.domain.timing.zones import zone_of
from nurture.services.flows import load_flows
from nurture.services.house import House
from nurture.store.enrollments import reach_goals, without_goal
from nurture.store.inbox import settled_events
from nurture.store.leads import lead_views


def note_goals(session: Session, house: House, events: Iterable[Event], zone: str, now: datetime) -> int:
    """Note which goals these events, which have been processed, have reached; returns how many.

    Passages under way are woken instead, and see for themselves. `zone` is the house's.
    """
    kinds: dict[int, set[str]] = {}
    for event in events:
        if event.counts:
            kinds.setdefault(event.lead_id, set()).add(event.kind)
    passages = without_goal(session, kinds)
    flows = load_flows(session, {passage.version_id for passage in passages})
    hopeful = [one for one in passages if _may_be_reached(flows.get(one.version_id), kinds[one.lead_id])]
    if not hopeful:
        return 0
    contexts = _contexts(session, house, [(passage, flows[passage.version_id]) for passage in hopeful], zone)
    scenes = (Scene(flows[one.version_id], one, contexts[one.id], now) for one in hopeful)
    reached = {scene.passage.id: at for scene in scenes if (at := goal_reached_at(scene)) is not None}
    reach_goals(session, reached)
    return len(reached)


def _may_be_reached(flow: Flow | None, happened: set[str]) -> bool:
    goal = flow.definition.goal if flow is not None else None
    # What makes a condition true may have been any event: a purchase moves the lead on its ladder.
    return goal is not None and (goal.event is None or goal.event in happened)


def _contexts(
    session: Session, house: House, passages: Sequence[tuple[Passage, Flow]], zone: str
) -> dict[int, Context]:
    """What is known about each passage, as far as a goal can ask for it."""
    lead_ids = {passage.lead_id for passage, _ in passages}
    views = lead_views(session, lead_ids)
    goals = [flow.goal for _, flow in passages if flow.goal is not None]
    events = settled_events(session, lead_ids, kinds_counted(goals, house.segments))
    contexts: dict[int, Context] = {}
    for passage, flow in passages:
        lead = views[passage.lead_id]
        happened = events.get(lead.id, ())
        snapshot = Snapshot(lead, happened, house.half_life, house.segments, house.field_types)
        contexts[passage.id] = Context(snapshot, zone_of(lead, flow.definition.zone, zone))
    return contexts
