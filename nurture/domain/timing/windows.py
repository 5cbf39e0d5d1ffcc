"""Send windows and quiet hours: whether mail may go now, and when it may go next."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.definition.window import WindowField
from nurture.domain.errors import InputError
from nurture.domain.timing.zones import change_between, to_utc, wall, zone_named

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEAD = "lead"

DAY = timedelta(days=1)
_HORIZON_DAYS = 400
"""A window that does not open within so many days never does; the longest real gap is a year's holidays."""


@dataclass(frozen=True, slots=True)
class Window:
    """When mail may be sent, every week: from `opens` to `closes`, both in minutes of the day, on `days`.

    `days` counts Monday as 0. A window that closes before it opens runs over midnight and belongs to the
    day on which it opens. `zone` is None for the lead's own; `holidays` is `lead`, a country or `none`.
    """

    days: frozenset[int]
    opens: int
    closes: int
    zone: ZoneInfo | None = None
    holidays: str = "none"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A time of every day, by the lead's clock, at which nothing is sent; in minutes, or over midnight."""

    starts: int
    ends: int

    @classmethod
    def parse(cls, from_: str, to: str) -> "QuietHours":
        """Read two times of day such as `21:00` and `07:00`.

        Raises:
            InputError: when they are the same, which could mean always or never.
        """
        starts, ends = _minutes(from_), _minutes(to)
        if starts % 1440 == ends % 1440:
            raise InputError(
                f"Quiet hours from {from_} to {to} never begin or never end. Give two different times."
            )
        return cls(starts, ends)


@dataclass(frozen=True, slots=True)
class _Rules:
    """All that must hold for mail to go, in one value."""

    zone: ZoneInfo
    window: Window | None
    quiet: QuietHours | None
    holidays: frozenset[date]

    @property
    def window_zone(self) -> ZoneInfo:
        return self.zone if self.window is None or self.window.zone is None else self.window.zone


def compile_window(field: WindowField) -> Window:
    """The value that a window in a file stands for.

    Raises:
        InputError: when its zone is neither `lead` nor a zone.
    """
    return Window(
        days=frozenset(WEEKDAYS.index(day) for day in field.days),
        opens=_minutes(field.from_),
        closes=_minutes(field.to),
        zone=None if field.zone == LEAD else zone_named(field.zone),
        holidays=field.holidays,
    )


def is_open(window: Window, now: datetime, zone: ZoneInfo, holidays: frozenset[date]) -> bool:
    """Whether the window is open at `now`; `zone` is the lead's.

    A window that opens on one of `holidays` stays closed, the part behind midnight included.
    """
    return _allows(now, _Rules(zone, window, None, holidays))


def next_open(window: Window, now: datetime, zone: ZoneInfo, holidays: frozenset[date]) -> datetime | None:
    """The first instant from `now` on at which the window is open; None when it does not open in 400 days."""
    return next_send(now, zone, window, None, holidays)


def next_send(
    now: datetime,
    zone: ZoneInfo,
    window: Window | None,
    quiet: QuietHours | None,
    holidays: frozenset[date],
) -> datetime | None:
    """The first instant from `now` on that lies in the window and outside the quiet hours.

    Both are read off the clock on the wall, so a change of the clock neither opens nor closes anything by
    itself. None when there is no such instant within 400 days.
    """
    rules = _Rules(zone, window, quiet, holidays)
    if _allows(now, rules):
        return now
    return next(
        (instant for instant in _edges(now, rules) if instant > now and _allows(instant, rules)), None
    )


def _allows(instant: datetime, rules: _Rules) -> bool:
    if rules.window is not None:
        local = wall(instant, rules.window_zone)
        if not _shows_open(rules.window, local, rules.holidays):
            return False
    return rules.quiet is None or not _is_quiet(rules.quiet, wall(instant, rules.zone))


def _shows_open(window: Window, local: datetime, holidays: frozenset[date]) -> bool:
    today, minute = local.date(), local.hour * 60 + local.minute
    if window.opens < window.closes:
        return window.opens <= minute < window.closes and _opens_on(window, today, holidays)
    if minute >= window.opens:
        return _opens_on(window, today, holidays)
    return minute < window.closes and _opens_on(window, today - DAY, holidays)


def _opens_on(window: Window, day: date, holidays: frozenset[date]) -> bool:
    return day.weekday() in window.days and day not in holidays


def _is_quiet(quiet: QuietHours, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    if quiet.starts < quiet.ends:
        return quiet.starts <= minute < quiet.ends
    return minute >= quiet.starts or minute < quiet.ends


def _edges(now: datetime, rules: _Rules) -> Iterator[datetime]:
    """Every instant behind `now`, in order, at which sending may become possible.

    That is when a window opens, when quiet hours end and when a clock changes; nothing else can make it
    possible.
    """
    clocks = [(rules.zone, rules.quiet.ends)] if rules.quiet else []
    if rules.window:
        clocks.append((rules.window_zone, rules.window.opens))
    start = now.astimezone(UTC).date() - 2 * DAY
    return heapq.merge(*(_showings(start, minute, zone) for zone, minute in clocks))


def _showings(start: date, minute: int, zone: ZoneInfo) -> Iterator[datetime]:
    for number in range(_HORIZON_DAYS):
        yield from sorted(_showing(start + number * DAY, minute, zone))


def _showing(day: date, minute: int, zone: ZoneInfo) -> Iterator[datetime]:
    """When the clock shows that minute of that day, both times if it comes twice, and when it changes."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - it is what a clock on the wall shows.
    local = midnight + timedelta(minutes=minute)
    yield to_utc(local, zone)
    yield local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    start, end = (at.replace(tzinfo=zone).astimezone(UTC) for at in (midnight, midnight + DAY))
    if start.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset():
        yield change_between(start, end, zone)


def _minutes(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return int(hours) * 60 + int(minutes)
