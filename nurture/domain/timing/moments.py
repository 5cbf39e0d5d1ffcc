"""Moments that a wait lasts until: the next Tuesday at ten, a date, or just a time of day."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.definition.steps import LocalMoment
from nurture.domain.timing.windows import WEEKDAYS
from nurture.domain.timing.zones import to_utc, wall


def moment_after(moment: LocalMoment, now: datetime, zone: ZoneInfo) -> datetime:
    """When the clock of `zone` next shows the moment, later than `now`; `now` for a date gone by.

    A time that the clock skips comes when it has skipped it.
    """
    at = time.fromisoformat(moment.at)
    today = wall(now, zone).date()
    if moment.date is not None:
        return _on(date.fromisoformat(moment.date), at, now, zone)
    days = (today + timedelta(days=number) for number in range(9))
    wanted = (day for day in days if not moment.weekday or WEEKDAYS[day.weekday()] in moment.weekday)
    instants = (to_utc(datetime.combine(day, at), zone) for day in wanted)
    return next(instant for instant in instants if instant > now)


def _on(day: date, at: time, now: datetime, zone: ZoneInfo) -> datetime:
    if day < now.astimezone(UTC).date() - timedelta(days=2):
        return now
    return max(now, to_utc(datetime.combine(day, at), zone))
