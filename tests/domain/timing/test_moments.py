"""Moments: what a wait lasts until."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nurture.domain.definition.steps import LocalMoment
from nurture.domain.timing.moments import moment_after
from nurture.domain.timing.windows import WEEKDAYS
from nurture.domain.timing.zones import wall, zone_named
from tests.domain.timing.clocks import ZONES, instants, utc

BERLIN = zone_named("Europe/Berlin")


@pytest.mark.parametrize(
    ("moment", "now", "expected"),
    [
        # 3 March 2026 is a Tuesday; Berlin is an hour ahead.
        (LocalMoment(weekday=("tue",), at="10:00"), "2026-03-02 12:00", "2026-03-03 09:00"),
        (LocalMoment(weekday=("tue",), at="10:00"), "2026-03-03 08:59", "2026-03-03 09:00"),
        (LocalMoment(weekday=("tue",), at="10:00"), "2026-03-03 09:00", "2026-03-10 09:00"),
        (LocalMoment(weekday=("tue", "thu"), at="10:00"), "2026-03-03 09:00", "2026-03-05 09:00"),
        (LocalMoment(at="10:00"), "2026-03-03 08:59", "2026-03-03 09:00"),
        (LocalMoment(at="10:00"), "2026-03-03 09:00", "2026-03-04 09:00"),
        (LocalMoment(), "2026-03-03 09:00", "2026-03-04 08:00"),
        (LocalMoment(at="02:30"), "2026-03-28 12:00", "2026-03-29 01:00"),
        (LocalMoment(at="02:30"), "2026-10-25 00:30", "2026-10-26 01:30"),
        (LocalMoment(date="2026-12-01", at="10:00"), "2026-03-03 09:00", "2026-12-01 09:00"),
        (LocalMoment(date="2026-03-03", at="10:00"), "2026-03-03 08:00", "2026-03-03 09:00"),
        (LocalMoment(date="2026-03-03", at="10:00"), "2026-03-03 10:00", "2026-03-03 10:00"),
        (LocalMoment(date="0001-01-01", at="10:00"), "2026-03-03 09:00", "2026-03-03 09:00"),
        (LocalMoment(date="9999-12-31", at="10:00"), "2026-03-03 09:00", "9000-01-01 00:00"),
    ],
)
def test_the_moment_that_comes_next(moment: LocalMoment, now: str, expected: str) -> None:
    assert moment_after(moment, utc(now), BERLIN) == utc(expected)


def test_today_is_the_day_that_the_lead_has() -> None:
    # On 2 March at 21:00 in Los Angeles the machine and UTC already have the 3rd.
    found = moment_after(LocalMoment(at="22:00"), utc("2026-03-03 05:00"), zone_named("America/Los_Angeles"))
    assert found == utc("2026-03-03 06:00")


@pytest.mark.parametrize("fields", [{"date": "2026-02-30"}, {"date": "2026-02-03", "weekday": "tue"}])
def test_a_moment_that_cannot_be_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"is no day of the calendar|either"):
        LocalMoment.model_validate(fields)


@given(
    st.sampled_from(ZONES),
    instants,
    st.sets(st.sampled_from(WEEKDAYS)),
    st.times().map(lambda at: f"{at:%H:%M}"),
)
def test_a_moment_lies_ahead_within_nine_days(zone: str, now: datetime, days: set[str], at: str) -> None:
    where = zone_named(zone)
    instant = moment_after(LocalMoment.model_validate({"weekday": sorted(days), "at": at}), now, where)
    assert now < instant <= now + timedelta(days=9)
    shown = wall(instant, where)
    if f"{shown:%H:%M}" == at:
        assert not days or WEEKDAYS[shown.weekday()] in days
    else:
        assert wall(instant - timedelta(microseconds=1), where) < shown - timedelta(minutes=1)
