"""One attention budget per lead, across all campaigns."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.conditions.explain import duration_in_words
from nurture.domain.definition.organisation import Budget
from nurture.domain.timing.durations import Duration
from nurture.domain.timing.spans import after


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: the budget is spent until `at`."""

    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Attention:
    """What a lead's attention has been spent on: the instants of its marketing messages, in order.

    `zone` is the lead's, by whose calendar the budget's days count; `less_often` halves the budget.
    """

    spent: tuple[datetime, ...]
    zone: ZoneInfo
    less_often: bool = False

    def spend(self, now: datetime) -> "Attention":
        """The attention after one more message."""
        return replace(self, spent=(*self.spent, now))


def ask(budget: Budget | None, attention: Attention, now: datetime) -> Later | None:
    """Whether one more message fits the budget at `now`: None when it does, else from when on it will.

    Who shall have what is left asks first: ask in the order of the campaigns' priority.
    """
    if budget is None:
        return None
    per = doubled(budget.per) if attention.less_often else budget.per
    ends = sorted(after(at, per, attention.zone) for at in attention.spent)
    running = [end for end in ends if end > now]
    if len(running) < budget.max:
        return None
    return Later(running[-budget.max], _sentence(budget, per, len(running)))


def look_back(budget: Budget) -> timedelta:
    """How far back a message can still count, whatever the zone and however rarely the lead wants mail."""
    per = doubled(budget.per)
    return timedelta(days=31 * per.months + per.days + 2, seconds=per.seconds)


def doubled(duration: Duration) -> Duration:
    """Twice as long."""
    return Duration(2 * duration.months, 2 * duration.days, 2 * duration.seconds)


def _sentence(budget: Budget, per: Duration, count: int) -> str:
    return f"The lead has had {count} of at most {budget.max} messages in {duration_in_words(per)}."
