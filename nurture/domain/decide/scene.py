"""What every part of one decision looks at, and the place where its walk stands."""

from dataclasses import dataclass, replace
from datetime import datetime

from nurture.domain.decide.flow import Flow
from nurture.domain.decide.values import Context, Effect, Exit, Note, Passage, SleepUntil


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that one decision is made on."""

    flow: Flow
    passage: Passage
    context: Context
    now: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk stands: at `step`, which has sent `occurrence` times.

    `queued` says that this walk has queued its message; `stale` that it has changed the lead, so that what
    was loaded about it is out of date.
    """

    step: str
    since: datetime
    occurrence: int = 0
    held_until: datetime | None = None
    skips: bool = False
    queued: bool = False
    stale: bool = False

    def sleep(self, due_at: datetime, held_until: datetime | None = None) -> SleepUntil:
        """Stand here, look again at `due_at`, and do not go on before `held_until`."""
        return SleepUntil(self.step, self.since, due_at, self.occurrence, held_until, skips=self.skips)


Turn = tuple[tuple[Effect, ...], Place | None]
"""What one step wants done, and where the walk goes on; None where the last effect ends the walk."""


def go_on(scene: Scene, place: Place, key: str | None, *effects: Effect) -> Turn:
    """Come to the step `key`, or to the end of the campaign where it is None."""
    if key is None:
        note = Note(place.step, "completed", "end", "The lead has been through all steps.")
        return (*effects, note, Exit("completed", "end")), None
    return effects, replace(place, step=key, since=scene.now, occurrence=0, held_until=None)


def behind(scene: Scene, place: Place, *effects: Effect) -> Turn:
    """Go on behind the step where the walk stands."""
    return go_on(scene, place, scene.flow.then[place.step], *effects)
