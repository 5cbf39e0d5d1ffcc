"""Zones: whose clock counts, and what clocks do when they change."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import InputError
from nurture.domain.timing.countries import ZONE_OF_COUNTRY
from nurture.domain.timing.zones import LATEST, known_zone, to_utc, wall, zone_named, zone_of
from nurture.domain.values import CompanyView, LeadView
from tests.domain.timing.clocks import ZONES, local, shown_times, utc


def lead(zone: str | None = None, country: str | None = None, company: CompanyView | None = None) -> LeadView:
    return LeadView(
        id=1,
        address="ana@example.com",
        created_at=utc("2026-01-01"),
        zone=zone,
        country=country,
        company=company,
    )


@pytest.mark.parametrize(
    ("somebody", "campaign", "expected"),
    [
        (lead("Asia/Tokyo", "BR", CompanyView(1, zone="Europe/Paris")), "UTC", "Asia/Tokyo"),
        (lead(None, "BR", CompanyView(1, zone="Europe/Paris", country="DE")), "UTC", "Europe/Paris"),
        (lead(None, "br", CompanyView(1, country="DE")), "UTC", "America/Sao_Paulo"),
        (lead(None, None, CompanyView(1, country="DE")), "UTC", "Europe/Berlin"),
        (lead(None, "XX", CompanyView(1)), "Europe/Rome", "Europe/Rome"),
        (lead(), None, "Europe/Lisbon"),
        (lead("Mars/Olympus", "PT"), None, "Europe/Lisbon"),
        (lead("../../etc/passwd"), "not a zone", "Europe/Lisbon"),
        (lead("America"), None, "Europe/Lisbon"),
        (lead(""), "", "Europe/Lisbon"),
    ],
)
def test_the_first_zone_that_is_known_counts(somebody: LeadView, campaign: str | None, expected: str) -> None:
    assert zone_of(somebody, campaign, "Europe/Lisbon").key == expected


def test_a_house_without_a_zone_is_told_so() -> None:
    with pytest.raises(InputError, match=r'"Nowhere" is not a time zone.*IANA'):
        zone_of(lead(), None, "Nowhere")


def test_names_of_zones_are_checked_as_written() -> None:
    assert known_zone("Europe/Berlin")
    assert known_zone("UTC")
    assert not known_zone("Europe/berlin")
    assert not known_zone("")
    with pytest.raises(InputError):
        zone_named("posix/UTC")


def test_every_country_of_the_time_zone_database_has_a_zone_of_its_own() -> None:
    tables = files("tzdata") / "zoneinfo"
    zones: dict[str, set[str]] = {}
    for line in (tables / "zone.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            code, _, name, *_ = line.split("\t")
            zones.setdefault(code, set()).add(name)
    codes = {line[:2] for line in (tables / "iso3166.tab").read_text("utf-8").splitlines() if line[0] != "#"}
    assert set(ZONE_OF_COUNTRY) == codes
    assert all(known_zone(name) for name in ZONE_OF_COUNTRY.values())
    # Bouvet and the Heard and McDonald Islands have neither inhabitants nor zones.
    assert {code for code, name in ZONE_OF_COUNTRY.items() if name not in zones.get(code, set())} == {
        "BV",
        "HM",
    }


@pytest.mark.parametrize(
    ("zone", "shown", "expected"),
    [
        ("Europe/Berlin", "2026-01-15 09:00", "2026-01-15 08:00"),
        ("Europe/Berlin", "2026-07-15 09:00", "2026-07-15 07:00"),
        # 2:00 to 3:00 is skipped on 29 March and comes twice on 25 October.
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29 02:00:00.500000", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29 02:59:59", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29 03:00", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30"),
        # Half an hour is skipped in spring (October in the south).
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30"),
        # Summer time began at midnight, so that the day began at one o'clock.
        ("America/Sao_Paulo", "2018-11-04 00:00", "2018-11-04 03:00"),
        # Samoa left out a whole day when it changed sides of the date line.
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00"),
        # Troll skips two hours.
        ("Antarctica/Troll", "2026-03-29 02:00", "2026-03-29 01:00"),
        ("Asia/Kathmandu", "2026-03-29 02:30", "2026-03-28 20:45"),
        ("Europe/Berlin", "9999-12-31 23:59", "9000-01-01 00:00"),
        ("UTC", "9000-06-01 00:00", "9000-01-01 00:00"),
    ],
)
def test_local_times_in_utc(zone: str, shown: str, expected: str) -> None:
    found = to_utc(local(shown), zone_named(zone))
    assert found == utc(expected)
    assert found.tzinfo is UTC


def test_of_a_time_that_comes_twice_nothing_remembers_which_it_was() -> None:
    berlin, shown = zone_named("Europe/Berlin"), local("2026-10-25 02:30")
    assert to_utc(shown.replace(fold=1), berlin) == to_utc(shown, berlin) == utc("2026-10-25 00:30")
    comings = [wall(utc(instant), berlin) for instant in ("2026-10-25 00:30", "2026-10-25 01:30")]
    assert [(coming, coming.fold) for coming in comings] == [(shown, 0), (shown, 0)]


@given(st.sampled_from(ZONES), shown_times)
def test_the_first_instant_that_shows_it_or_more(zone: str, shown: datetime) -> None:
    where = zone_named(zone)
    instant = to_utc(shown, where)
    earlier = (instant - timedelta(minutes=minutes) for minutes in (1, 15, 30, 60, 61, 120))
    assert wall(instant, where) >= shown
    assert wall(instant - timedelta(microseconds=1), where) < shown
    assert all(wall(before, where) < shown for before in earlier)


@given(st.sampled_from(ZONES), shown_times, st.timedeltas())
def test_a_later_time_is_never_an_earlier_instant(zone: str, shown: datetime, by: timedelta) -> None:
    where = zone_named(zone)
    other = shown + abs(by) % timedelta(days=3)
    assert to_utc(shown, where) <= to_utc(other, where) <= LATEST
