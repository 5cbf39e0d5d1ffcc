"""One attention budget per lead."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.definition.organisation import Budget
from nurture.domain.governor import Attention, Later, ask, doubled, look_back
from nurture.domain.timing.durations import Duration

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LISBON = ZoneInfo("Europe/Lisbon")
TWO_A_WEEK = Budget(max=2, per=Duration(days=7))


def days_ago(*days: float, less_often: bool = False) -> Attention:
    return Attention(tuple(NOW - timedelta(days=number) for number in days), LISBON, less_often)


def test_without_a_budget_anything_goes() -> None:
    assert ask(None, days_ago(*[0.1] * 50), NOW) is None


def test_what_fits_the_budget_goes() -> None:
    assert ask(TWO_A_WEEK, days_ago(), NOW) is None
    assert ask(TWO_A_WEEK, days_ago(3), NOW) is None
    assert ask(TWO_A_WEEK, days_ago(9, 8, 3), NOW) is None


def test_a_spent_budget_says_when_there_is_room_again() -> None:
    later = ask(TWO_A_WEEK, days_ago(5, 3), NOW)
    assert later == Later(NOW + timedelta(days=2), "The lead has had 2 of at most 2 messages in 7 days.")


def test_after_an_overdraft_it_takes_as_long_as_needed() -> None:
    later = ask(TWO_A_WEEK, days_ago(1, 5, 3), NOW)
    assert later is not None
    assert later.at == NOW + timedelta(days=4)


def test_there_is_room_at_the_very_instant_that_was_named() -> None:
    attention = days_ago(5, 3)
    later = ask(TWO_A_WEEK, attention, NOW)
    assert later is not None
    assert ask(TWO_A_WEEK, attention, later.at - timedelta(microseconds=1)) is not None
    assert ask(TWO_A_WEEK, attention, later.at) is None


def test_what_is_spent_now_counts_for_the_next_who_asks() -> None:
    attention = days_ago(3).spend(NOW)
    assert ask(TWO_A_WEEK, attention, NOW) == Later(
        NOW + timedelta(days=4), "The lead has had 2 of at most 2 messages in 7 days."
    )


def test_a_lead_that_wants_mail_less_often_has_half_the_budget() -> None:
    later = ask(TWO_A_WEEK, days_ago(10, 8, less_often=True), NOW)
    assert later is not None
    assert later.at == NOW + timedelta(days=4)
    assert "14 days" in later.sentence


def test_half_a_budget_is_twice_the_time_in_months_days_and_hours() -> None:
    assert doubled(Duration(months=1, days=2, seconds=3)) == Duration(months=2, days=4, seconds=6)


def test_days_are_those_of_the_leads_calendar() -> None:
    # Lisbon's clock goes forward on 29 March 2026: seven of its days are an hour short.
    spent = datetime(2026, 3, 28, 9, 0, tzinfo=UTC)
    later = ask(Budget(max=1, per=Duration(days=7)), Attention((spent,), LISBON), NOW.replace(day=30))
    assert later is not None
    assert later.at == datetime(2026, 4, 4, 8, 0, tzinfo=UTC)


@given(
    st.lists(st.floats(0, 60)),
    st.builds(
        Budget,
        max=st.integers(1, 5),
        per=st.builds(
            Duration, months=st.integers(0, 2), days=st.integers(1, 40), seconds=st.integers(0, 90_000)
        ),
    ),
    st.booleans(),
)
def test_what_lies_further_back_than_look_back_never_matters(
    days: list[float], budget: Budget, less: bool
) -> None:
    attention = days_ago(*days, less_often=less)
    recent = tuple(at for at in attention.spent if at > NOW - look_back(budget))
    assert ask(budget, attention, NOW) == ask(budget, Attention(recent, LISBON, less), NOW)


@given(st.lists(st.floats(0, 30), max_size=6), st.integers(1, 4))
def test_who_always_asks_never_gets_more_than_the_budget(days: list[float], most: int) -> None:
    budget = Budget(max=most, per=Duration(days=7))
    attention, now = Attention((), LISBON), NOW
    for day in sorted(days):
        now = NOW + timedelta(days=day)
        if ask(budget, attention, now) is None:
            attention = attention.spend(now)
    for at in attention.spent:
        week = [other for other in attention.spent if at <= other < at + timedelta(days=7)]
        assert len(week) <= most
