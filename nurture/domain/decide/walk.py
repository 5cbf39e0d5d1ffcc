"""Where a passage goes next: one walk from where it stands to the next thing it has to wait for."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from nurture.domain.decide.endings import ending
from nurture.domain.decide.flow import Flow
from nurture.domain.decide.judge import judge, may_change_at
from nurture.domain.decide.scene import Place, Scene, Turn, behind, go_on
from nurture.domain.decide.sends import send
from nurture.domain.decide.values import Context, Effect, Exit, Note, Notify, Passage, SleepUntil, Update
from nurture.domain.definition.steps import (
    BranchStep,
    ExitStep,
    NotifyStep,
    SendStep,
    SplitStep,
    UpdateStep,
    WaitStep,
)
from nurture.domain.errors import NotFound
from nurture.domain.experiments import share_of
from nurture.domain.timing.durations import Duration
from nurture.domain.timing.moments import moment_after
from nurture.domain.timing.spans import after

LOOK_AGAIN = timedelta(days=1)
"""The end of a conversation wakes the passage; this is for the case that nobody says so."""


def decide(flow: Flow, passage: Passage, context: Context, now: datetime) -> tuple[Effect, ...]:
    """What is to be done for this passage now, in order.

    The last effect, and no other, is a `SleepUntil` or an `Exit`; a sleep is at a later step or occurrence
    than before, or until an instant behind `now`. At most one message is queued.

    Raises:
        NotFound: when the passage stands at a step, or a step sends from a stream, that there is not.
    """
    scene = Scene(flow, passage, context, now)
    over = ending(scene)
    if over is not None:
        return over
    if context.snapshot.lead.conversation_since is not None and flow.definition.on_reply == "pause":
        return _held_by_conversation(passage, now)
    return _woken_in_time(scene, _walk(scene, _start(scene)))


def _walk(scene: Scene, start: Place) -> tuple[Effect, ...]:
    effects: list[Effect] = []
    place: Place | None = start
    # Every turn goes to a step further down or ends the walk: there are at most as many as steps.
    while place is not None:
        done, place = _turn(scene, place)
        effects.extend(done)
    return tuple(effects)


def _woken_in_time(scene: Scene, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The same, but never asleep when an exit, the goal or the wait comes true by time alone."""
    *others, last = effects
    if not isinstance(last, SleepUntil):
        return effects
    foreseen = may_change_at(scene, last.step)
    if foreseen is None or foreseen >= last.due_at:
        return effects
    return (*others, replace(last, due_at=foreseen))


def _start(scene: Scene) -> Place:
    passage, now = scene.passage, scene.now
    if passage.position is None:
        return Place(scene.flow.first, now, skips=passage.skips)
    if passage.position not in scene.flow.steps:
        raise NotFound(
            f'The passage stands at the step "{passage.position}", which version {passage.version_id} of '
            f'"{passage.campaign}" does not have. Move it to a step that there is.'
        )
    # What a conversation had left of a wait is waited for from its end on.
    held_until = passage.held_until if passage.frozen is None else now + passage.frozen
    return Place(passage.position, passage.since, passage.occurrence, held_until, passage.skips)


def _held_by_conversation(passage: Passage, now: datetime) -> tuple[Effect, ...]:
    frozen = passage.frozen
    if frozen is None:
        frozen = max(passage.held_until - now, timedelta(0)) if passage.held_until else timedelta(0)
    sleep = SleepUntil(
        step=passage.position,
        since=passage.since,
        due_at=now + LOOK_AGAIN,
        occurrence=passage.occurrence,
        held_until=passage.held_until,
        frozen=frozen,
        skips=passage.skips,
    )
    if passage.frozen is not None:
        return (sleep,)
    sentence = "A person is talking to the lead; the campaign goes on when that is over."
    return (Note(passage.position, "waits", "conversation", sentence), sleep)


def _turn(scene: Scene, place: Place) -> Turn:
    step = scene.flow.steps[place.step]
    match step:
        case SendStep():
            return send(scene, place, step)
        case WaitStep():
            return _wait(scene, place, step)
        case BranchStep():
            return _branch(scene, place, step)
        case SplitStep():
            return _split(scene, place, step)
        case UpdateStep():
            return _update(scene, place, step)
        case NotifyStep():
            return _notify(scene, place, step)
        case ExitStep():
            note = Note(step.key, "completed", step.exit.reason, "The campaign ends here for the lead.")
            return (note, Exit("completed", step.exit.reason)), None
        case _:
            assert_never(step)


def _wait(scene: Scene, place: Place, step: WaitStep) -> Turn:
    begins = place.held_until is None
    held_until = _end_of_wait(scene, step) if place.held_until is None else place.held_until
    if held_until <= scene.now:
        return behind(scene, place)
    if step.wait.or_until is not None:
        if place.stale:
            return (place.sleep(scene.now),), None
        judgement = judge(scene, step.wait.or_until, place.since)
        if judgement.holds:
            note = Note(step.key, "goes_on", "or_until", f"{judgement.sentence}.", judgement.values)
            return behind(scene, place, note)
    if not begins:
        return (place.sleep(held_until, held_until),), None
    note = Note(step.key, "waits", "wait", "The wait begins.", next_at=held_until)
    # What was due while the campaign was paused has been passed by, so the next send counts again.
    return (note, replace(place, skips=False).sleep(held_until, held_until)), None


def _end_of_wait(scene: Scene, step: WaitStep) -> datetime:
    zone, wait = scene.context.zone, step.wait
    if wait.until is not None:
        return moment_after(wait.until, scene.now, zone)
    return after(scene.now, wait.for_ or Duration(), zone)


def _branch(scene: Scene, place: Place, step: BranchStep) -> Turn:
    if place.stale:
        return (place.sleep(scene.now),), None
    for arm in step.branch:
        if arm.when is None:
            continue
        judgement = judge(scene, arm.when, scene.passage.entered_at)
        if judgement.holds:
            note = Note(step.key, "branched", arm.key, f"{judgement.sentence}.", judgement.values)
            return go_on(scene, place, scene.flow.inside[arm.key], note)
    other = next((arm for arm in step.branch if arm.otherwise), None)
    if other is None:
        return behind(scene, place, Note(step.key, "branched", "none", "No arm fits."))
    note = Note(step.key, "branched", other.key, "No other arm fits.")
    return go_on(scene, place, scene.flow.inside[other.key], note)


def _split(scene: Scene, place: Place, step: SplitStep) -> Turn:
    share = share_of(step, scene.passage.campaign, scene.passage.lead_id)
    note = Note(step.key, "split", share.key, f'The lead belongs to "{share.name or share.key}".')
    return go_on(scene, place, scene.flow.inside[share.key], note)


def _update(scene: Scene, place: Place, step: UpdateStep) -> Turn:
    wanted = step.update
    update = Update(step.key, wanted.tags, wanted.untag, wanted.set, wanted.points)
    note = Note(step.key, "updated", "update", "The lead was changed.")
    return behind(scene, replace(place, stale=True), update, note)


def _notify(scene: Scene, place: Place, step: NotifyStep) -> Turn:
    wanted = step.notify
    due_at = None if wanted.due is None else after(scene.now, wanted.due, scene.context.zone)
    notify = Notify(step.key, wanted.user, due_at, wanted.reason)
    note = Note(step.key, "notified", "notify", wanted.reason or "A person was asked to look at the lead.")
    return behind(scene, place, notify, note)
