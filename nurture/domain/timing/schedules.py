"""Schedules: five cron fields, read off a clock on the wall."""

import calendar
import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.errors import InputError
from nurture.domain.timing.zones import LATEST, to_utc, wall

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d{1,4}))?", re.ASCII)

DAY = timedelta(days=1)
_HORIZON_DAYS = 9 * 366
"""From one 29 February to the next it can be eight years; what does not fire within nine never does."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of the month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of the week", 0, 7, _WEEKDAYS)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something fires: at `minutes` of the day, on days that match.

    `weekdays` counts Sunday as 0. Where both `days` and `weekdays` are restricted, either is enough.
    Source: crontab(5).
    """

    minutes: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @classmethod
    def parse(cls, expression: str) -> "Schedule":
        """Read minute, hour, day of the month, month and day of the week: `0 9 1 * *`, `30 8 * * mon-fri`.

        Each is `*`, a number, a range, a list, or one of them with a step; months and weekdays have names.

        Raises:
            InputError: naming the field that is wrong, and why.
        """
        fields = expression.split()
        if len(fields) != 5:
            raise InputError(
                f'"{expression}" has {len(fields)} fields, not 5. Write minute, hour, day of the month, '
                'month and day of the week: "0 9 1 * *" is 9:00 on the first of every month.'
            )
        minute, hour, day, month, weekday = fields
        minutes, hours = _read(minute, _MINUTE), _read(hour, _HOUR)
        schedule = cls(
            minutes=tuple(sorted(60 * hour + minute for hour in hours for minute in minutes)),
            days=_read(day, _DAY),
            months=_read(month, _MONTH),
            weekdays=frozenset(number % 7 for number in _read(weekday, _WEEKDAY)),
            either_day=not (day.startswith("*") or weekday.startswith("*")),
        )
        schedule._check_that_it_fires(expression)
        return schedule

    def matches(self, day: date) -> bool:
        """Whether it fires on this day."""
        if day.month not in self.months:
            return False
        on_day, on_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return on_day or on_weekday if self.either_day else on_day and on_weekday

    def _check_that_it_fires(self, expression: str) -> None:
        longest = max(calendar.monthrange(2024, month)[1] for month in self.months)
        if min(self.days) > longest and not self.either_day:
            raise InputError(f'"{expression}" never fires: none of its months has {min(self.days)} days.')


def next_fire(schedule: Schedule, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant strictly after `after` at which the schedule fires by the clock of `zone`.

    A time that the clock skips fires once, when the clock has skipped it; one that comes twice fires at
    its first coming. None when it does not fire within nine years.
    """
    local = wall(after, zone)
    # Of today, only what the clock has not shown yet; what it shows a second time lies before `after`.
    minutes = schedule.minutes[bisect_right(schedule.minutes, local.hour * 60 + local.minute) :]
    for number in range(_HORIZON_DAYS):
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + number * DAY
        if midnight.year >= LATEST.year:
            return None
        if schedule.matches(midnight.date()):
            for minute in minutes:
                instant = to_utc(midnight + timedelta(minutes=minute), zone)
                if instant > after:
                    return instant
        minutes = schedule.minutes
    return None


def fires_between(
    schedule: Schedule, start: datetime, end: datetime, zone: ZoneInfo, limit: int = 1000
) -> tuple[datetime, ...]:
    """The instants in [start, end) at which the schedule fires; of too many the first `limit`."""
    instants: list[datetime] = []
    instant = next_fire(schedule, start.astimezone(UTC) - timedelta(microseconds=1), zone)
    while instant is not None and instant < end and len(instants) < limit:
        instants.append(instant)
        instant = next_fire(schedule, instant, zone)
    return tuple(instants)


def _read(text: str, field: _Field) -> frozenset[int]:
    return frozenset(number for part in text.lower().split(",") for number in _read_part(part, text, field))


def _read_part(part: str, text: str, field: _Field) -> range | list[int]:
    match = _PART.fullmatch(part)
    if match is None or (match["first"] == "*" and match["last"]):
        raise InputError(
            f'{_naming(text, field)}: "{part}" is no number, range or step. Write *, 5, 1-5 or */10.'
        )
    step = int(match["step"] or 1)
    if not step:
        raise InputError(f"{_naming(text, field)}: a step of 0 never gets on.")
    if match["first"] == "*":
        return range(field.low, field.high + 1, step)
    first = _number(match["first"], text, field)
    if match["last"] is None:
        return range(first, (field.high if match["step"] else first) + 1, step)
    last = _number(match["last"], text, field)
    if first <= last:
        return range(first, last + 1, step)
    if field is _WEEKDAY:
        return [number % 7 for number in range(first, last + 8, step)]
    raise InputError(f"{_naming(text, field)}: the range {part} ends before it begins.")


def _number(word: str, text: str, field: _Field) -> int:
    if word in field.words:
        return field.words.index(word) + field.low
    if word.isdecimal() and len(word) <= 4 and field.low <= int(word) <= field.high:
        return int(word)
    names = f" or one of {', '.join(field.words)}" if field.words else ""
    raise InputError(
        f'{_naming(text, field)}: "{word}" is not a number from {field.low} to {field.high}{names}.'
    )


def _naming(text: str, field: _Field) -> str:
    return f'"{text}" is no {field.name}'
