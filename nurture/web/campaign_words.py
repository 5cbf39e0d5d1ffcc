"""A campaign in words: its entry, waits, updates, windows, and its small print."""

from dataclasses import dataclass

from nurture.domain.conditions.explain import describe, duration_in_words
from nurture.domain.conditions.tree import All, Any_, Condition, None_
from nurture.domain.definition.campaign import CampaignDefinition, Entry, Goal
from nurture.domain.definition.steps import LocalMoment, NotifyStep, Updating
from nurture.domain.definition.steps import Waiting as WaitRule
from nurture.domain.definition.window import WindowField

_WEEKDAYS = {
    "mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday",
    "fri": "Friday", "sat": "Saturday", "sun": "Sunday",
}  # fmt: skip
_WORKDAYS = ("mon", "tue", "wed", "thu", "fri")


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
        Rule("player-play", "Who enters", entry_in_words(definition.entry)[0].removeprefix("Enters ")),
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


def entry_in_words(entry: Entry) -> tuple[str, ...]:
    """Who enters, in one or two lines."""
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


def wait_in_words(rule: WaitRule) -> str:
    """How long a wait lasts."""
    if rule.for_ is not None:
        return duration_in_words(rule.for_)
    return _moment(rule.until) if rule.until else ""


def _moment(moment: LocalMoment) -> str:
    if moment.date:
        return f"Until {moment.date}, {moment.at}"
    days = " or ".join(_WEEKDAYS[weekday] for weekday in moment.weekday)
    return f"Until {days + ', ' if days else ''}{moment.at}"


def early_in_words(rule: WaitRule) -> tuple[str, ...]:
    """What ends a wait early, if anything does."""
    return (f"or until {in_words(rule.or_until)}",) if rule.or_until is not None else ()


def update_in_words(update: Updating) -> str:
    """What an update changes."""
    parts = [f"{name.removeprefix('custom.')} → {value}" for name, value in update.set.items()]
    parts += [f"tag +{tag}" for tag in update.tags] + [f"tag −{tag}" for tag in update.untag]
    if update.points is not None:
        parts.append(f"{update.points:+g} points".replace("-", "−"))
    return ", ".join(parts)[:1].upper() + ", ".join(parts)[1:]


def notify_in_words(step: NotifyStep) -> str:
    """Who is told, and by when they shall act."""
    whom = "Tell the lead’s owner" if step.notify.owner else f"Tell {step.notify.user}"
    return f"{whom}, due in {duration_in_words(step.notify.due)}" if step.notify.due else whom


def hours_in_words(window: WindowField | str | None) -> str:
    """At which hours a step sends, where it says so itself."""
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
