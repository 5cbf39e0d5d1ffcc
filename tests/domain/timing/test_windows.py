"""Windows and quiet hours: mail goes in its time, by the lead's clock, whatever the clock does."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.domain.definition.window import WindowField
from nurture.domain.errors import InputError
from nurture.domain.timing.windows import (
    QuietHours,
    Window,
    compile_window,
    is_open,
    next_open,
    next_send,
)
from nurture.domain.timing.zones import wall, zone_named
from tests.domain.timing.clocks import ZONES, instants, utc

BERLIN = zone_named("Europe/Berlin")
NONE: frozenset[date] = frozenset()
MINUTE = timedelta(minutes=1)
WORKING_DAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = {"days": WORKING_DAYS, "from": "09:00", "to": "17:00"}
FRIDAY_NIGHT = {"days": ("fri",), "from": "22:00", "to": "02:00"}


def window(fields: dict[str, Any]) -> Window:
    return compile_window(WindowField.model_validate(fields))


@pytest.mark.parametrize(
    ("fields", "now", "expected"),
    [
        # 6 March 2026 is a Friday; Berlin is an hour ahead.
        (OFFICE, "2026-03-06 08:00", "2026-03-06 08:00"),
        (OFFICE, "2026-03-06 07:59:59", "2026-03-06 08:00"),
        (OFFICE, "2026-03-06 15:59:59.999999", "2026-03-06 15:59:59.999999"),
        (OFFICE, "2026-03-06 16:00", "2026-03-09 08:00"),
        (OFFICE, "2026-03-28 12:00", "2026-03-30 07:00"),
        # The night belongs to Friday: Saturday at one is in it, Friday at one is not.
        (FRIDAY_NIGHT, "2026-03-06 00:30", "2026-03-06 21:00"),
        (FRIDAY_NIGHT, "2026-03-07 00:30", "2026-03-07 00:30"),
        (FRIDAY_NIGHT, "2026-03-07 01:00", "2026-03-13 21:00"),
        ({}, "2026-03-07 01:00", "2026-03-07 01:00"),
        # It opens in the hour that the clock skips: open when it has skipped it.
        ({"from": "02:30", "to": "05:00"}, "2026-03-28 12:00", "2026-03-29 01:00"),
        # It would open and close in the hour that the clock skips: not on that day.
        ({"from": "02:10", "to": "02:50"}, "2026-03-28 12:00", "2026-03-30 00:10"),
        # The clock shows it twice: it is open twice.
        ({"from": "02:10", "to": "02:50"}, "2026-10-24 23:00", "2026-10-25 00:10"),
        ({"from": "02:10", "to": "02:50"}, "2026-10-25 00:50", "2026-10-25 01:10"),
        # The clock goes back into the window.
        ({"from": "01:00", "to": "02:30"}, "2026-10-25 00:30", "2026-10-25 01:00"),
        ({"from": "09:00", "to": "17:00", "zone": "Asia/Tokyo"}, "2026-03-06 08:00", "2026-03-07 00:00"),
    ],
)
def test_when_it_opens_next(fields: dict[str, Any], now: str, expected: str) -> None:
    found = next_open(window(fields), utc(now), BERLIN, NONE)
    assert found == utc(expected)
    assert found.tzinfo is UTC
    assert is_open(window(fields), utc(now), BERLIN, NONE) is (now == expected)


@pytest.mark.parametrize(
    ("zone", "opens", "closes", "now", "expected"),
    [
        # The clock goes back to 3:00, 1:00 and 23:00, each time into the window.
        ("Pacific/Apia", "02:00", "03:30", "2011-04-02 13:40", "2011-04-02 14:00"),
        ("America/Halifax", "00:30", "01:30", "2026-11-01 04:40", "2026-11-01 05:00"),
        ("America/Sao_Paulo", "22:00", "23:30", "2018-02-18 01:40", "2018-02-18 02:00"),
        # It opens before the clock goes forward, on a day that began on the day before in UTC.
        ("Pacific/Auckland", "01:00", "10:00", "2026-09-26 11:00", "2026-09-26 13:00"),
    ],
)
def test_when_it_opens_next_where_clocks_change(
    zone: str, opens: str, closes: str, now: str, expected: str
) -> None:
    where = zone_named(zone)
    assert next_open(window({"from": opens, "to": closes}), utc(now), where, NONE) == utc(expected)


def test_a_window_that_opens_on_a_holiday_stays_closed() -> None:
    good_friday = frozenset({date(2026, 4, 3)})
    assert next_open(window(OFFICE), utc("2026-04-03 08:00"), BERLIN, good_friday) == utc("2026-04-06 07:00")
    night = window(FRIDAY_NIGHT | {"days": ("thu", "fri")})
    # Thursday's night runs into the holiday; Friday's own night, Saturday included, does not happen.
    assert is_open(night, utc("2026-04-02 23:30"), BERLIN, good_friday)
    assert not is_open(night, utc("2026-04-03 23:30"), BERLIN, good_friday)
    assert not is_open(night, utc("2026-04-03 20:30"), BERLIN, good_friday)


def test_a_window_without_a_day_that_is_free_never_opens() -> None:
    start = date(2026, 1, 1)
    whole_life = frozenset(start + timedelta(days=number) for number in range(-5, 800))
    assert next_open(window(OFFICE), utc("2026-03-06 18:00"), BERLIN, whole_life) is None
    assert next_open(window({"from": "24:00", "to": "00:00"}), utc("2026-03-06 18:00"), BERLIN, NONE) is None


@pytest.mark.parametrize(
    ("fields", "quiet", "now", "expected"),
    [
        (None, ("21:00", "07:00"), "2026-03-06 12:00", "2026-03-06 12:00"),
        (None, ("21:00", "07:00"), "2026-03-06 20:00", "2026-03-07 06:00"),
        (None, ("21:00", "07:00"), "2026-03-06 05:59", "2026-03-06 06:00"),
        (None, ("12:00", "14:00"), "2026-03-06 11:30", "2026-03-06 13:00"),
        (None, ("22:00", "24:00"), "2026-03-06 21:30", "2026-03-06 23:00"),
        (None, None, "2026-03-06 21:30", "2026-03-06 21:30"),
        (OFFICE, ("16:00", "10:00"), "2026-03-06 08:30", "2026-03-06 09:00"),
        (OFFICE, ("16:00", "10:00"), "2026-03-06 15:30", "2026-03-09 09:00"),
        # The window is read in Auckland, the quiet hours where the lead is.
        (
            {"from": "09:00", "to": "17:00", "zone": "Pacific/Auckland"},
            ("21:00", "03:00"),
            "2026-03-06 19:00",
            "2026-03-07 02:00",
        ),
        # Never at the same time.
        (OFFICE, ("08:00", "18:00"), "2026-03-06 12:00", None),
    ],
)
def test_when_mail_may_go(
    fields: dict[str, Any] | None, quiet: tuple[str, str] | None, now: str, expected: str | None
) -> None:
    found = next_send(
        utc(now),
        BERLIN,
        window(fields) if fields else None,
        QuietHours.parse(*quiet) if quiet else None,
        NONE,
    )
    assert found == (utc(expected) if expected else None)


def test_quiet_hours_need_two_different_times() -> None:
    with pytest.raises(InputError, match="from 07:00 to 07:00 never begin"):
        QuietHours.parse("07:00", "07:00")
    with pytest.raises(InputError, match="two different times"):
        QuietHours.parse("00:00", "24:00")
    with pytest.raises(InputError, match="two different times"):
        QuietHours.parse("24:00", "00:00")


def test_a_window_keeps_what_its_file_says() -> None:
    assert window({"zone": "lead", "holidays": "DE"}) == Window(frozenset(range(7)), 0, 1440, None, "DE")
    with pytest.raises(InputError, match='"Berlin" is not a time zone'):
        window({"zone": "Berlin"})


# The properties look close to where clocks change, and anywhere else.
_CHANGES = (
    "2026-03-29 01:00",
    "2026-10-25 01:00",
    "2018-11-04 03:00",
    "2026-04-04 15:00",
    "2026-10-03 15:30",
)
near_changes = st.builds(
    lambda change, by: utc(change) + by,
    st.sampled_from(_CHANGES),
    st.timedeltas(timedelta(hours=-30), timedelta(hours=30)),
)
moments = near_changes | instants
minutes = st.integers(0, 95).map(lambda quarter: quarter * 15) | st.integers(0, 1439)
windows = st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    minutes,
    minutes.map(lambda minute: minute + 1),
    st.none() | st.sampled_from(["Asia/Tokyo", "Europe/Lisbon"]).map(ZoneInfo),
).filter(lambda it: it.opens != it.closes)
quiet_hours = st.builds(QuietHours, minutes, minutes).filter(lambda it: it.starts != it.ends)


@given(
    moments,
    st.sampled_from(ZONES),
    st.none() | windows,
    st.none() | quiet_hours,
    st.frozensets(st.integers(-3, 9), max_size=4),
)
@example(utc("2026-10-25 00:40"), "Europe/Berlin", Window(frozenset(range(7)), 60, 150), None, frozenset())
def test_it_is_the_first_minute_that_the_clocks_on_the_wall_allow(
    now: datetime, zone: str, window: Window | None, quiet: QuietHours | None, days_off: frozenset[int]
) -> None:
    where = zone_named(zone)
    holidays = frozenset(now.date() + timedelta(days=number) for number in days_off)
    found = next_send(now, where, window, quiet, holidays)

    assert found is None or (found >= now and _may_go(found, where, window, quiet, holidays))
    end = now + timedelta(days=20) if found is None else found
    earlier = _minutes_between(now, end)
    assert not any(_may_go(minute, where, window, quiet, holidays) for minute in earlier)


def _minutes_between(start: datetime, end: datetime) -> list[datetime]:
    """`start`, then all full minutes before `end`; of long stretches the last day and every 13th minute."""
    if start >= end:
        return []
    first = start.replace(second=0, microsecond=0) + MINUTE
    count = max(0, -((first - end) // MINUTE))
    numbers = sorted({*range(0, count, 13), *range(max(0, count - 1440), count)})
    return [start, *(first + number * MINUTE for number in numbers)]


def _may_go(
    instant: datetime,
    zone: ZoneInfo,
    window: Window | None,
    quiet: QuietHours | None,
    holidays: frozenset[date],
) -> bool:
    """The definition, written another way: the minutes of a day that are open or quiet, as sets."""
    if quiet is not None and _minute(wall(instant, zone)) in _cycle(quiet.starts, quiet.ends):
        return False
    if window is None:
        return True
    shown = wall(instant, window.zone or zone)
    span = (window.closes - window.opens) % 1440 if window.closes != 1440 else 1440 - window.opens
    return any(
        (start := datetime.combine(day, time.min) + timedelta(minutes=window.opens)) <= shown
        and shown < start + timedelta(minutes=span)
        for day in (shown.date(), shown.date() - timedelta(days=1))
        if day.weekday() in window.days and day not in holidays
    )


def _minute(shown: datetime) -> int:
    return shown.hour * 60 + shown.minute


def _cycle(start: int, end: int) -> set[int]:
    return {minute % 1440 for minute in range(start, end if start < end else end + 1440)}
