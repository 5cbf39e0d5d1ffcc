"""Whether a passage is over: its goal is reached, an exit holds, the stage is left, mail is not wanted."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from nurture.domain.decide.judge import judge
from nurture.domain.decide.scene import Scene
from nurture.domain.decide.values import Effect, Exit, Note, ReachGoal
from nurture.domain.sending import may_send
from nurture.domain.timing.spans import after
from nurture.domain.values import Scalar


def ending(scene: Scene) -> tuple[Effect, ...] | None:
    """The effects that end the passage at once, or None when it goes on. Success is looked at first."""
    return _goal(scene) or _exit(scene) or _left_stage(scene) or _unwanted(scene)


def goal_reached_at(scene: Scene) -> datetime | None:
    """When the goal of the passage was reached; None when it was not, or not in time."""
    goal, condition = scene.flow.definition.goal, scene.flow.goal
    if goal is None or condition is None:
        return None
    entered_at, snapshot = scene.passage.entered_at, scene.context.snapshot
    end = after(entered_at, goal.within, scene.context.zone)
    if goal.event is None:
        return scene.now if scene.now < end and judge(scene, condition, entered_at).holds else None
    for event in snapshot.events:
        if event.kind == goal.event and entered_at <= event.at < end:
            alone = replace(scene.context, snapshot=replace(snapshot, events=(event,)))
            if judge(replace(scene, context=alone), condition, entered_at).holds:
                return event.at
    return None


def _goal(scene: Scene) -> tuple[Effect, ...] | None:
    at = goal_reached_at(scene) if scene.passage.goal_at is None else None
    if at is None:
        return None
    return (ReachGoal(at), *_over(scene, Exit("completed", "goal"), "The goal of the campaign was reached."))


def _exit(scene: Scene) -> tuple[Effect, ...] | None:
    for condition in scene.flow.definition.exit:
        judgement = judge(scene, condition, scene.passage.entered_at)
        if judgement.holds:
            sentence = f"An exit condition holds: {judgement.sentence}."
            return _over(scene, Exit("exited", "exit_condition"), sentence, judgement.values)
    return None


def _left_stage(scene: Scene) -> tuple[Effect, ...] | None:
    definition, lead = scene.flow.definition, scene.context.snapshot.lead
    if definition.stage is None or definition.stay or lead.stage is definition.stage:
        return None
    # Who was put in by hand while it stood in another stage has not left the campaign's stage.
    if lead.stage_since is None or lead.stage_since <= scene.passage.entered_at:
        return None
    sentence = f"The lead left the stage {definition.stage} and is in {lead.stage} now."
    return _over(scene, Exit("exited", "left_stage"), sentence, {"stage": str(lead.stage)})


def _unwanted(scene: Scene) -> tuple[Effect, ...] | None:
    if not scene.flow.mails:
        return None
    blocked = may_send(scene.context.snapshot.lead, scene.flow.definition.topic, scene.now)
    if blocked is None or not blocked.final:
        return None
    return _over(scene, Exit("exited", blocked.reason), blocked.sentence)


def _over(
    scene: Scene, exit_: Exit, sentence: str, values: Mapping[str, Scalar] | None = None
) -> tuple[Effect, ...]:
    return (Note(scene.passage.position, exit_.status, exit_.reason, sentence, values or {}), exit_)
