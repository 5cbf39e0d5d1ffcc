"""The roll-up: keeps the sums that pages show."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nurture.services.runtime import Runtime
from nurture.store import rollups
from nurture.store.rollups import Day

RECENT = 2
"""Days counted at every run: today, and yesterday for what arrives late."""

REVISABLE = 35
"""Days counted once an hour: a verdict can be revised, a webhook be late, for about a month."""

BRINGS_ALL = 5
"""In the first minutes of an hour all revisable days are counted."""


def roll_up(runtime: Runtime, now: datetime) -> int:
    """Count the days anew that may have changed; returns how many sums were written.

    One short transaction a day, so that nobody waits for the whole.
    """
    zone = ZoneInfo(runtime.settings.zone)
    today = now.astimezone(zone).date()
    with runtime.read() as session:
        fresh = rollups.newest_day(session) is None
    back = REVISABLE if fresh or now.minute < BRINGS_ALL else RECENT
    with runtime.write() as session:
        written = rollups.note_levels(session, today)
    for age in range(back):
        with runtime.write() as session:
            written += rollups.count_days(session, [day_of(today - timedelta(days=age), zone)])
    return written


def day_of(date_: date, zone: ZoneInfo) -> Day:
    """The instants that a calendar day covers in a zone; 23 or 25 hours where clocks change."""
    start = datetime.combine(date_, time(), zone)
    end = datetime.combine(date_ + timedelta(days=1), time(), zone)
    return Day(date_, start, end)
