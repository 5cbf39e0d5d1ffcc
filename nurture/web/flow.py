"""A campaign as a drawing: its definition turned into nodes with an icon, a title and a line of detail."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from nurture.domain.conditions.explain import describe, duration_in_words
from nurture.domain.conditions.tree import All, Any_, Condition, None_
from nurture.domain.definition.campaign import CampaignDefinition, Entry, Goal
from nurture.domain.definition.steps import (
    AnyStep,
    Arm,
    BranchStep,
    ExitStep,
    LocalMoment,
    NotifyStep,
    SendStep,
    Share,
    SplitStep,
    UpdateStep,
    Updating,
    WaitStep,
)
from nurture.domain.definition.steps import (
    Waiting as WaitRule,
)
from nurture.domain.definition.window import WindowField
from nurture.store.reports.campaigns import Waiting

NOBODY = Waiting(0, 0)
_FIELD = re.compile(r"\{\{-?\s*([\w.]+)[^}]*\}\}")
_WEEKDAYS = {
    "mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday",
    "fri": "Friday", "sat": "Saturday", "sun": "Sunday",
}  # fmt: skip
_WORKDAYS = ("mon", "tue", "wed", "thu", "fri")


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
    return Flow(_entry(definition.entry), waiting.get("", NOBODY).here, nodes, _ends(definition.steps))


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
                return WAIT, _wait(step.wait), _early(step.wait)
            case BranchStep():
                return BRANCH, "" if step.name else "Which way?", ()
            case SplitStep():
                return SPLIT, "" if step.name else "By chance", ("the same lead always goes the same way",)
            case UpdateStep():
                return (STAGE if "stage" in step.update.set else UPDATE), _update(step.update), ()
            case NotifyStep():
                return NOTIFY, _notify(step), ((step.notify.reason,) if step.notify.reason else ())
            case ExitStep():
                return EXIT, f"Leaves: {step.exit.reason.replace('-', ' ').replace('_', ' ')}", ()
            case _:
                assert_never(step)

    def sending(self, step: SendStep) -> tuple[Look, str, tuple[str, ...]]:
        hours = _hours(step.window)
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


def in_words(condition: Condition) -> str:
    """A condition in one line."""
    match condition:
        case All():
            return " and ".join(_part(part) for part in condition.all) or "always"
        case Any_():
            return " or ".join(_part(part) for part in condition.any) or "never"
        case None_():
            return "not " + " and not ".join(_part(part) for part in condition.none)
        case _:
            return describe(condition)


def _part(condition: Condition) -> str:
    words = in_words(condition)
    return f"({words})" if isinstance(condition, All | Any_ | None_) else words


def _entry(entry: Entry) -> tuple[str, ...]:
    if entry.when is not None:
        return ("Enters when " + in_words(entry.when),)
    if entry.event is not None:
        return (f"Enters on {entry.event.removeprefix('custom:').replace('_', ' ')}",)
    if entry.schedule is not None and entry.audience is not None:
        audience = entry.audience
        whom = f"segment “{audience.segment}”" if audience.segment else in_words(audience.when)  # type: ignore[arg-type] # one of both is given
        return (f"Enters on schedule ({entry.schedule.cron}, {_zone(entry.schedule.zone)})", whom)
    return ("Enters by hand",)


def _zone(zone: str) -> str:
    return "the lead’s time" if zone == "lead" else zone


def _wait(rule: WaitRule) -> str:
    if rule.for_ is not None:
        return duration_in_words(rule.for_)
    return _moment(rule.until) if rule.until else ""


def _moment(moment: LocalMoment) -> str:
    if moment.date:
        return f"Until {moment.date}, {moment.at}"
    days = " or ".join(_WEEKDAYS[weekday] for weekday in moment.weekday)
    return f"Until {days + ', ' if days else ''}{moment.at}"


def _early(rule: WaitRule) -> tuple[str, ...]:
    return (f"or until {in_words(rule.or_until)}",) if rule.or_until is not None else ()


def _update(update: Updating) -> str:
    parts = [f"{name.removeprefix('custom.')} → {value}" for name, value in update.set.items()]
    parts += [f"tag +{tag}" for tag in update.tags] + [f"tag −{tag}" for tag in update.untag]
    if update.points is not None:
        parts.append(f"{update.points:+g} points".replace("-", "−"))
    return ", ".join(parts)[:1].upper() + ", ".join(parts)[1:]


def _notify(step: NotifyStep) -> str:
    whom = "Tell the lead’s owner" if step.notify.owner else f"Tell {step.notify.user}"
    return f"{whom}, due in {duration_in_words(step.notify.due)}" if step.notify.due else whom


def _hours(window: WindowField | str | None) -> str:
    if window is None:
        return ""
    return window_in_words(window) if isinstance(window, WindowField) else "at any hour"


def window_in_words(window: WindowField) -> str:
    """When mail may leave: `weekdays 09:00–17:00, the lead's time, no holidays`."""
    if window.days == _WORKDAYS:
        days = "weekdays"
    elif len(window.days) == len(_WEEKDAYS):
        days = "every day"
    else:
        days = ", ".join(_WEEKDAYS[weekday][:3] for weekday in window.days)
    words = f"{days} {window.from_}–{window.to}, {_zone(window.zone)}"
    return words if window.holidays == "none" else f"{words}, not on holidays"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a campaign's small print."""

    icon: str
    name: str
    says: str


def in_plain_words(definition: CampaignDefinition) -> tuple[Rule, ...]:
    """What counts for the whole campaign, in words."""
    reentry = definition.entry.reentry
    again = reentry if isinstance(reentry, str) else f"after {duration_in_words(reentry.after)}"
    rules = [
        Rule("player-play", "Who enters", _entry(definition.entry)[0].removeprefix("Enters ")),
        Rule("repeat", "Again", again),
        *(Rule("logout", "Leaves when", in_words(condition)) for condition in definition.exit),
    ]
    if definition.stage and not definition.stay:
        rules.append(Rule("flag", "Leaves when", f"the stage is no longer {definition.stage}"))
    if definition.goal is not None:
        within = duration_in_words(definition.goal.within)
        rules.append(Rule("target", "Goal", f"{_goal(definition.goal)} within {within}"))
    if definition.window is not None:
        rules.append(Rule("clock", "Sends on", window_in_words(definition.window)))
    if definition.holdout:
        rules.append(Rule("flask", "Held out", f"{definition.holdout} % get nothing, to measure the effect"))
    rules.append(Rule("message", "On a reply", "pauses" if definition.on_reply == "pause" else "goes on"))
    doubt = {"hold": "waits for a person", "resend_after_24h": "sends again after 24 hours"}
    rules.append(Rule("help-circle", "In doubt", doubt[definition.on_unconfirmed]))
    return tuple(rules)


def _goal(goal: Goal) -> str:
    if goal.event is not None:
        return goal.event.removeprefix("custom:").replace("_", " ")
    return in_words(goal.when) if goal.when is not None else ""
