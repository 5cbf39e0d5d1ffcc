"""A campaign as a drawing: its definition turned into nodes with an icon, a title and a line of detail."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from nurture.domain.conditions.explain import duration_in_words
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.definition.steps import (
    AnyStep,
    Arm,
    BranchStep,
    ExitStep,
    NotifyStep,
    SendStep,
    Share,
    SplitStep,
    UpdateStep,
    WaitStep,
)
from nurture.store.reports.campaigns import Waiting
from nurture.web.campaign_words import (
    early_in_words,
    entry_in_words,
    hours_in_words,
    in_words,
    notify_in_words,
    update_in_words,
    wait_in_words,
)

NOBODY = Waiting(0, 0)
_FIELD = re.compile(r"\{\{-?\s*([\w.]+)[^}]*\}\}")


@dataclass(frozen=True, slots=True)
class Look:
    """How a kind of step looks."""

    kind: str
    icon: str
    tint: str


SEND = Look("Send mail", "mail", "blue")
STREAM = Look("Send from a stream", "mail-forward", "blue")
WAIT = Look("Wait", "clock", "yellow")
BRANCH = Look("Branch", "arrows-split-2", "orange")
SPLIT = Look("Split by chance", "arrows-split", "azure")
UPDATE = Look("Update the lead", "edit", "green")
STAGE = Look("Set stage", "flag", "green")
NOTIFY = Look("Tell a person", "bell", "red")
EXIT = Look("Exit", "logout", "secondary")


@dataclass(frozen=True, slots=True)
class Node:
    """One step: what it is, what it does, and how many leads stand there."""

    key: str
    look: Look
    title: str
    detail: tuple[str, ...]
    waiting: Waiting
    arms: tuple["Branchlet", ...] = ()
    template: str = ""

    @property
    def joins(self) -> str:
        """How the arms come together again: `all` of them, `mixed`, or none since every one `ends`."""
        ending = [arm.ends for arm in self.arms]
        return "ends" if all(ending) else "mixed" if any(ending) else "all"


@dataclass(frozen=True, slots=True)
class Branchlet:
    """One arm of a branch or split with its label and steps."""

    key: str
    label: str
    condition: str
    tint: str
    nodes: tuple[Node, ...]
    ends: bool
    join_left: bool = False
    join_right: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole drawing."""

    entry: tuple[str, ...]
    before_first: int
    nodes: tuple[Node, ...]
    ends: bool


def draw(definition: CampaignDefinition, waiting: Mapping[str, Waiting], subjects: Mapping[str, str]) -> Flow:
    """The drawing of a definition; `waiting` is by step key, `subjects` by template slug."""
    pen = _Pen(waiting, subjects)
    nodes = pen.nodes(definition.steps)
    return Flow(
        entry_in_words(definition.entry), waiting.get("", NOBODY).here, nodes, _ends(definition.steps)
    )


@dataclass(frozen=True, slots=True)
class _Pen:
    waiting: Mapping[str, Waiting]
    subjects: Mapping[str, str]

    def nodes(self, steps: tuple[AnyStep, ...]) -> tuple[Node, ...]:
        return tuple(self.node(step) for step in steps)

    def node(self, step: AnyStep) -> Node:
        look, title, detail = self.words(step)
        template = step.send.template if isinstance(step, SendStep) else None
        return Node(
            key=step.key,
            look=look,
            title=step.name or title,
            detail=detail if step.name is None or not title else (title, *detail),
            waiting=self.waiting.get(step.key, NOBODY),
            arms=self.arms(step),
            template=template or "",
        )

    def words(self, step: AnyStep) -> tuple[Look, str, tuple[str, ...]]:
        """Look, default title and further lines."""
        match step:
            case SendStep():
                return self.sending(step)
            case WaitStep():
                return WAIT, wait_in_words(step.wait), early_in_words(step.wait)
            case BranchStep():
                return BRANCH, "" if step.name else "Which way?", ()
            case SplitStep():
                return SPLIT, "" if step.name else "By chance", ("the same lead always goes the same way",)
            case UpdateStep():
                return (STAGE if "stage" in step.update.set else UPDATE), update_in_words(step.update), ()
            case NotifyStep():
                return NOTIFY, notify_in_words(step), ((step.notify.reason,) if step.notify.reason else ())
            case ExitStep():
                return EXIT, f"Leaves: {step.exit.reason.replace('-', ' ').replace('_', ' ')}", ()
            case _:
                assert_never(step)

    def sending(self, step: SendStep) -> tuple[Look, str, tuple[str, ...]]:
        hours = hours_in_words(step.window)
        if step.send.stream is not None:
            every = f"every {duration_in_words(step.send.every)}" if step.send.every else "one piece"
            most = f"at most {step.send.until}" if step.send.until else ""
            pick = (step.send.pick or "").replace("_", " ")
            lines = (", ".join(part for part in (every, most) if part), pick and f"picks the {pick}", hours)
            return (
                STREAM,
                f"From “{step.send.stream.replace('_', ' ')}”",
                tuple(line for line in lines if line),
            )
        slug = step.send.template or ""
        return SEND, _plain(self.subjects.get(slug, "")) or slug, ((hours,) if hours else ())

    def arms(self, step: AnyStep) -> tuple[Branchlet, ...]:
        match step:
            case BranchStep():
                return _joined([self.branch_arm(arm) for arm in step.branch])
            case SplitStep():
                total = sum(share.weight for share in step.split)
                return _joined([self.split_arm(share, total) for share in step.split])
            case _:
                return ()

    def branch_arm(self, arm: Arm) -> Branchlet:
        says = "otherwise" if arm.when is None else in_words(arm.when)
        tint = "secondary" if arm.otherwise else "green"
        label = arm.name or ("Otherwise" if arm.otherwise else says)
        return Branchlet(
            arm.key, label, says if says != label else "", tint, self.nodes(arm.steps), _ends(arm.steps)
        )

    def split_arm(self, share: Share, total: int) -> Branchlet:
        percent = f"{100 * share.weight / total:.0f} %"
        label = f"{share.name} · {percent}" if share.name else percent
        return Branchlet(share.key, label, "", "azure", self.nodes(share.steps), _ends(share.steps))


def _plain(subject: str) -> str:
    """A subject line with its merge fields as words: `{{ company.name | … }}` becomes [company name]."""
    return _FIELD.sub(
        lambda found: f"[{found[1].removeprefix('lead.').replace('.', ' ').replace('_', ' ')}]", subject
    )


def _joined(arms: list[Branchlet]) -> tuple[Branchlet, ...]:
    """The arms with the halves of the lower bar that they need: it spans from the arms that come back to the
    middle, where the next step hangs. Columns are one wide, so middles lie at whole and half numbers."""
    back = [index + 0.5 for index, arm in enumerate(arms) if not arm.ends]
    if not back:
        return tuple(arms)
    first, last = min(*back, len(arms) / 2), max(*back, len(arms) / 2)
    return tuple(
        replace(
            arm,
            join_left=first <= index and last >= index + 0.5,
            join_right=first <= index + 0.5 and last >= index + 1,
        )
        for index, arm in enumerate(arms)
    )


def _ends(steps: tuple[AnyStep, ...]) -> bool:
    """Whether nobody comes out at the bottom."""
    if not steps:
        return False
    last = steps[-1]
    match last:
        case ExitStep():
            return True
        case BranchStep():
            return any(arm.otherwise for arm in last.branch) and all(_ends(arm.steps) for arm in last.branch)
        case SplitStep():
            return all(_ends(share.steps) for share in last.split)
        case _:
            return False
