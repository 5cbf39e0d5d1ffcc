"""Whose clock counts, and what its time is in UTC."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from nurture.domain.errors import InputError
from nurture.domain.timing.countries import ZONE_OF_COUNTRY
from nurture.domain.values import LeadView

EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Instants beyond these mean "never": calendars and databases end a little later."""


def zone_of(lead: LeadView, campaign_zone: str | None, house: str) -> ZoneInfo:
    """The zone in which the lead lives, as far as it is known.

    Its own, its company's, the usual one of its country (or its company's), the campaign's, the house's.
    A name of the lead's or the company's that is no zone is passed over.

    Raises:
        InputError: when nothing else is known and `house` is no zone.
    """
    known = (name for name in _candidates(lead, campaign_zone) if name and known_zone(name))
    return zone_named(next(known, house))


def _candidates(lead: LeadView, campaign_zone: str | None) -> tuple[str | None, ...]:
    zones, countries = [lead.zone], [lead.country]
    if lead.company:
        zones.append(lead.company.zone)
        countries.append(lead.company.country)
    defaults = (ZONE_OF_COUNTRY.get((country or "").upper()) for country in countries)
    return (*zones, *defaults, campaign_zone)


def zone_named(name: str) -> ZoneInfo:
    """The zone that the time zone database has under this name.

    Raises:
        InputError: when it has none.
    """
    if not known_zone(name):
        raise InputError(f'"{name}" is not a time zone. Write an IANA name such as Europe/Berlin or UTC.')
    return _zone(name)


def known_zone(name: str) -> bool:
    """Whether the time zone database has a zone of this name."""
    return name in _zone_names()


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock of `zone` shows the naive `local`, or more where it skips that.

    So a time that does not exist moves forward to the end of the gap, one that comes twice counts at its
    first coming, and later times are never earlier instants.
    """
    if local.year >= LATEST.year:
        return LATEST
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall(first, zone) == local:
        return first
    # In a gap, the two readings of `local` lie on either side of the change of the clock.
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return change_between(second, first, zone)


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock of `zone` shows at `instant`, naive."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant in (before, after] at which the clock of `zone` changes its distance from UTC.

    `before` and `after` must lie on different sides of one change.
    """
    offset = before.astimezone(zone).utcoffset()
    # Changes happen at whole seconds.
    start = before.replace(microsecond=0)
    low, high = 0, (after - start) // timedelta(seconds=1)
    while high - low > 1:
        middle = (low + high) // 2
        same = (start + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset
        low, high = (middle, high) if same else (low, middle)
    return start + timedelta(seconds=high)
