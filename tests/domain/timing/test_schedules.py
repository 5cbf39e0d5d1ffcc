"""Schedules: what cron fields mean, and that clocks that change neither lose nor double a firing."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import InputError
from nurture.domain.timing.schedules import Schedule, fires_between, next_fire
from nurture.domain.timing.zones import LATEST, to_utc, zone_named
from tests.domain.timing.clocks import ZONES, instants, utc

BERLIN = zone_named("Europe/Berlin")
MICROSECOND = timedelta(microseconds=1)
MONTHS = "jan, feb, mar, apr, may, jun, jul, aug, sep, oct, nov, dec"
WEEKDAYS = "sun, mon, tue, wed, thu, fri, sat"
NO_PART = "is no number, range or step. Write *, 5, 1-5 or */10."


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 9 1 * *", "2026-01-15 00:00", "2026-02-01 09:00"),
        ("0 9 1 * *", "2026-02-01 08:59:59", "2026-02-01 09:00"),
        ("0 9 1 * *", "2026-02-01 09:00", "2026-03-01 09:00"),
        ("30 8 * * mon-fri", "2026-03-06 08:30", "2026-03-09 08:30"),
        ("30 8 * * MON-FRI", "2026-03-06 08:30", "2026-03-09 08:30"),
        ("*/15 * * * *", "2026-03-06 08:31", "2026-03-06 08:45"),
        ("5/20 * * * *", "2026-03-06 08:31", "2026-03-06 08:45"),
        ("10-40/20 * * * *", "2026-03-06 08:31", "2026-03-06 09:10"),
        ("0 9,17 * * *", "2026-03-06 12:00", "2026-03-06 17:00"),
        ("0 0009 * * *", "2026-03-06 12:00", "2026-03-07 09:00"),
        ("0 0 * jan,jul *", "2026-03-06 12:00", "2026-07-01 00:00"),
        ("0 0 29 2 *", "2026-03-06 12:00", "2028-02-29 00:00"),
        ("0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00"),
        # Sunday is 0, 7 and sun.
        ("0 0 * * 0", "2026-03-06 12:00", "2026-03-08 00:00"),
        ("0 0 * * 7", "2026-03-06 12:00", "2026-03-08 00:00"),
        ("0 0 * * sat-sun", "2026-03-07 12:00", "2026-03-08 00:00"),
        ("0 0 * * sat-sun", "2026-03-08 12:00", "2026-03-14 00:00"),
        ("0 0 * * fri-mon/3", "2026-03-06 12:00", "2026-03-09 00:00"),
        # A range may be as short as a day.
        ("0 0 5-5 * *", "2026-03-04 12:00", "2026-03-05 00:00"),
        ("0 0 * * fri-fri", "2026-03-06 12:00", "2026-03-13 00:00"),
        # Restricted both ways, either day is enough; a star with a step restricts nothing.
        ("0 0 13 * fri", "2026-03-06 12:00", "2026-03-13 00:00"),
        ("0 0 15 * fri", "2026-03-13 12:00", "2026-03-15 00:00"),
        ("0 0 */2 * fri", "2026-03-06 12:00", "2026-03-13 00:00"),
        ("0 0 31 2 mon", "2026-02-03 12:00", "2026-02-09 00:00"),
    ],
)
def test_next_fire_in_utc(expression: str, after: str, expected: str) -> None:
    assert next_fire(Schedule.parse(expression), utc(after), zone_named("UTC")) == utc(expected)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("60 9 1 * *", '"60" is no minute: "60" is not a number from 0 to 59.'),
        ("0 9 0 * *", '"0" is no day of the month: "0" is not a number from 1 to 31.'),
        ("0 9 1 foo *", f'"foo" is no month: "foo" is not a number from 1 to 12 or one of {MONTHS}.'),
        ("0 9 1 * 8", f'"8" is no day of the week: "8" is not a number from 0 to 7 or one of {WEEKDAYS}.'),
        (
            "0 9 1 * jan",
            f'"jan" is no day of the week: "jan" is not a number from 0 to 7 or one of {WEEKDAYS}.',
        ),
        ("0 1-99 * * *", '"1-99" is no hour: "99" is not a number from 0 to 23.'),
        ("0 17-9 * * *", '"17-9" is no hour: the range 17-9 ends before it begins.'),
        ("*/0 9 1 * *", '"*/0" is no minute: a step of 0 never gets on.'),
        ("0 9 *-5 * *", f'"*-5" is no day of the month: "*-5" {NO_PART}'),
        ("0 9 1,,2 * *", f'"1,,2" is no day of the month: "" {NO_PART}'),
        ("0 9 L * *", '"L" is no day of the month: "l" is not a number from 1 to 31.'),
        ("0 ٩ 1 * *", f'"٩" is no hour: "٩" {NO_PART}'),
        ("00009 9 1 * *", '"00009" is no minute: "00009" is not a number from 0 to 59.'),
        ("0 0 31 2,4 *", '"0 0 31 2,4 *" never fires: none of its months has 31 days.'),
    ],
)
def test_what_is_wrong_is_said(expression: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        Schedule.parse(expression)
    assert str(error.value) == words


@pytest.mark.parametrize(("expression", "count"), [("0 9 1 *", 4), ("@monthly", 1), ("0 9 1 * * *", 6)])
def test_a_schedule_has_five_fields(expression: str, count: int) -> None:
    with pytest.raises(InputError) as error:
        Schedule.parse(expression)
    assert str(error.value) == (
        f'"{expression}" has {count} fields, not 5. Write minute, hour, day of the month, '
        'month and day of the week: "0 9 1 * *" is 9:00 on the first of every month.'
    )


@pytest.mark.parametrize(
    ("expression", "zone", "day", "expected"),
    [
        # Skipped in spring: once, when the clock has moved on.
        ("30 2 * * *", "Europe/Berlin", "2026-03-29", ["2026-03-29 01:00"]),
        ("*/20 2 * * *", "Europe/Berlin", "2026-03-29", ["2026-03-29 01:00"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-29", ["2026-03-29 01:00"]),
        # Twice in autumn: once, the first time.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25", ["2026-10-25 00:30"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-10-25", ["2026-10-25 00:00", "2026-10-25 02:00"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["2026-04-04 14:45"]),
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-04", ["2018-11-04 03:00"]),
    ],
)
def test_clocks_that_change(expression: str, zone: str, day: str, expected: list[str]) -> None:
    where = zone_named(zone)
    start = datetime.fromisoformat(day)
    begin, end = to_utc(start, where), to_utc(start + timedelta(days=1), where)
    found = fires_between(Schedule.parse(expression), begin, end, where)
    assert found == tuple(utc(instant) for instant in expected)


def test_today_is_the_day_that_the_zone_has() -> None:
    # On 2 March at 21:00 in Los Angeles the machine and UTC already have the 3rd.
    nightly = Schedule.parse("0 22 * * *")
    found = next_fire(nightly, utc("2026-03-03 05:00"), zone_named("America/Los_Angeles"))
    assert found == utc("2026-03-03 06:00")


def test_what_the_clock_shows_a_second_time_does_not_fire_again() -> None:
    schedule = Schedule.parse("0,30 2 * * *")
    assert next_fire(schedule, utc("2026-10-25 01:10"), BERLIN) == utc("2026-10-26 01:00")


def test_an_interval_holds_its_start_and_not_its_end() -> None:
    daily = Schedule.parse("0 9 * * *")
    start, end = utc("2026-03-01 09:00"), utc("2026-03-03 09:00")
    assert fires_between(daily, start, end, zone_named("UTC")) == (start, utc("2026-03-02 09:00"))
    assert fires_between(daily, start, start, zone_named("UTC")) == ()
    assert fires_between(daily, start + MICROSECOND, end, zone_named("UTC")) == (utc("2026-03-02 09:00"),)


def test_of_too_many_firings_the_first_are_given() -> None:
    every_minute = Schedule.parse("* * * * *")
    found = fires_between(every_minute, utc("2026-03-01"), utc("2027-03-01"), BERLIN, limit=3)
    assert found == tuple(utc(f"2026-03-01 00:0{minute}") for minute in range(3))
    assert len(fires_between(every_minute, utc("2026-03-01"), utc("2027-03-01"), BERLIN)) == 1000


def test_what_never_fires_has_no_next_time() -> None:
    never = Schedule((0,), frozenset({31}), frozenset({2}), frozenset(range(7)), either_day=False)
    assert next_fire(never, utc("2026-03-01"), BERLIN) is None
    assert next_fire(Schedule.parse("0 9 1 1 *"), LATEST - timedelta(days=30), BERLIN) is None


fields = st.tuples(
    st.sampled_from(["0", "*/7", "30", "15,45", "59"]),
    st.sampled_from(["*", "2", "1-3", "0", "23", "*/5"]),
    st.sampled_from(["*", "1", "15", "28-31", "*/3"]),
    st.sampled_from(["*", "3", "10", "mar-apr", "*/2"]),
    st.sampled_from(["*", "sun", "mon-fri", "6", "*/2"]),
).map(" ".join)


@given(fields, st.sampled_from(ZONES), instants)
def test_next_fire_is_the_first_local_time_that_matches(expression: str, zone: str, begin: datetime) -> None:
    schedule, where = Schedule.parse(expression), zone_named(zone)
    fire = next_fire(schedule, begin, where)
    assert fire is not None
    assert fire > begin
    assert fire == min(
        instant for instant in _all_fires(schedule, begin.date(), fire, where) if instant > begin
    )
    assert next_fire(schedule, fire - MICROSECOND, where) == fire


def _all_fires(schedule: Schedule, first: date, until: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every firing on the days around [first, until], from the definition: day by day, minute by minute."""
    days = [first + timedelta(days=number) for number in range(-2, (until.date() - first).days + 3)]
    days = days[:6] + days[-6:]
    return [
        to_utc(datetime.combine(day, time.min) + timedelta(minutes=minute), zone)
        for day in days
        if schedule.matches(day)
        for minute in schedule.minutes
    ]
