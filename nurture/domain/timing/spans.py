"""Adding lengths of time to instants: calendar time from a day on, exact time below."""

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.timing.durations import Duration
from nurture.domain.timing.zones import EARLIEST, LATEST, to_utc, wall

MICROSECOND = timedelta(microseconds=1)


def after(start: datetime, duration: Duration, zone: ZoneInfo) -> datetime:
    """`start` and `duration` later: months and days by the clock of `zone`, hours and less exactly.

    A day that the month lacks is its last day: a month after 31 January is 28 February.
    """
    instant = start
    if duration.months or duration.days:
        local = wall(start, zone)
        year, month = _month(local, duration.months)
        if year >= LATEST.year:
            return LATEST
        day = min(local.day, calendar.monthrange(year, month)[1])
        instant = to_utc(_plus(local.replace(year=year, month=month, day=day), duration.days), zone)
    return _bounded(instant, timedelta(seconds=duration.seconds))


def before(now: datetime, duration: Duration) -> datetime:
    """`now` and `duration` earlier, with days and months counted in UTC.

    A day that the month lacks is the very end of that month, so that a later `now` never gives an earlier
    instant; what is younger than this has happened within `duration`.
    """
    shifted = _shift(now.astimezone(UTC), -duration.months, end_of_month=True)
    return _bounded(shifted, -timedelta(days=duration.days, seconds=duration.seconds))


def reached(since: datetime, duration: Duration) -> datetime:
    """The first instant at which `since` lies `duration` back: the first t for which `before` is not
    earlier than `since`.
    """
    exact = _bounded(since.astimezone(UTC), timedelta(days=duration.days, seconds=duration.seconds))
    return _shift(exact, duration.months, end_of_month=False)


def _shift(instant: datetime, months: int, *, end_of_month: bool) -> datetime:
    """Move by calendar months; a day that is lacking is the month's last instant, or the first behind it."""
    year, month = _month(instant, months)
    if not EARLIEST.year < year < LATEST.year:
        return EARLIEST if year <= EARLIEST.year else LATEST
    length = calendar.monthrange(year, month)[1]
    if instant.day <= length:
        return instant.replace(year=year, month=month)
    start_of_next = datetime(year, month, length, tzinfo=UTC) + timedelta(days=1)
    return start_of_next - MICROSECOND if end_of_month else start_of_next


def _month(moment: datetime, months: int) -> tuple[int, int]:
    years, index = divmod(moment.month - 1 + months, 12)
    return moment.year + years, index + 1


def _plus(local: datetime, days: int) -> datetime:
    latest = LATEST.replace(tzinfo=None)
    return latest if days >= (latest - local).days else local + timedelta(days=days)


def _bounded(instant: datetime, by: timedelta) -> datetime:
    if by > LATEST - instant:
        return LATEST
    return EARLIEST if by < EARLIEST - instant else instant + by
