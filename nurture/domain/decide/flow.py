"""A definition made ready for walking: every step by its key, and which one comes after it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nurture.domain.conditions.tree import Condition
from nurture.domain.definition.campaign import CampaignDefinition, arms
from nurture.domain.definition.steps import AnyStep, SendStep
from nurture.domain.timing.windows import Window, compile_window


@dataclass(frozen=True, slots=True)
class Flow:
    """One version of a campaign, compiled once.

    `then` leads from each step's key to the key of the step behind it, past the ends of arms; None is the
    end. `inside` leads from each arm's key to its first step, or to what comes behind an empty arm.
    `windows` has the compiled window of each send step that has one; `goal` is the goal as a condition.
    """

    definition: CampaignDefinition
    steps: Mapping[str, AnyStep]
    then: Mapping[str, str | None]
    inside: Mapping[str, str | None]
    windows: Mapping[str, Window]
    goal: Condition | None

    @property
    def first(self) -> str:
        """The key of the step where every passage begins."""
        return self.definition.steps[0].key

    @property
    def mails(self) -> bool:
        """Whether anything is sent at all."""
        return any(isinstance(step, SendStep) for step in self.steps.values())


def compile_flow(definition: CampaignDefinition) -> Flow:
    """Make a definition ready for walking.

    Raises:
        InputError: when a window names a zone that there is not.
    """
    steps: dict[str, AnyStep] = {}
    then: dict[str, str | None] = {}
    inside: dict[str, str | None] = {}
    for step, behind in _with_successors(definition.steps, None):
        steps[step.key], then[step.key] = step, behind
        for arm in arms(step):
            inside[arm.key] = arm.steps[0].key if arm.steps else behind
    windows = dict(_windows(definition, steps))
    goal = definition.goal.condition if definition.goal else None
    return Flow(definition, steps, then, inside, windows, goal)


def _with_successors(steps: tuple[AnyStep, ...], behind: str | None) -> Iterator[tuple[AnyStep, str | None]]:
    followers = (*(step.key for step in steps[1:]), behind)
    for step, follower in zip(steps, followers, strict=False):
        yield step, follower
        for arm in arms(step):
            yield from _with_successors(arm.steps, follower)


def _windows(definition: CampaignDefinition, steps: Mapping[str, AnyStep]) -> Iterator[tuple[str, Window]]:
    for key, step in steps.items():
        if isinstance(step, SendStep) and step.window != "any":
            field = step.window or definition.window
            if field is not None:
                yield key, compile_window(field)
