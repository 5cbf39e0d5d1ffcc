"""What may be sent, what can become of a message, and when it is tried again."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import (
    AccountRefused,
    IllegalTransition,
    MailerError,
    MessageRefused,
    OutcomeUnknown,
    RefusedForNow,
)
from nurture.domain.sending import (
    ACCOUNT_DELAY,
    FIRST_DELAY,
    LONGEST_DELAY,
    MAX_ATTEMPTS,
    OPEN,
    RECEPTION_BELOW,
    SPENT,
    TRANSITIONS,
    Blocked,
    GiveUp,
    MessageState,
    Reception,
    RetryAt,
    may_send,
    receive,
    retry,
    transition,
)
from nurture.domain.values import LeadView

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ANA = LeadView(id=1, address="ana@example.com", created_at=NOW, mailable=True)


@pytest.mark.parametrize(("state", "to"), list(itertools.product(MessageState, MessageState)))
def test_the_machine_makes_the_steps_of_its_table_and_no_others(
    state: MessageState, to: MessageState
) -> None:
    if to in TRANSITIONS[state]:
        assert transition(state, to) is to
    else:
        with pytest.raises(IllegalTransition, match=f'"{state}" cannot become "{to}"'):
            transition(state, to)


def test_the_machine_is_this_one() -> None:
    assert {state: set(ways) for state, ways in TRANSITIONS.items()} == {
        "pending": {"claimed", "suppressed", "cancelled", "failed"},
        "claimed": {"sending", "pending", "suppressed", "cancelled", "failed"},
        "sending": {"sent", "pending", "failed", "unconfirmed"},
        "unconfirmed": {"sent", "pending", "failed", "cancelled"},
        "sent": set(),
        "failed": {"sent"},
        "suppressed": set(),
        "cancelled": {"sent"},
    }


def test_every_step_of_the_machine_says_why() -> None:
    assert all(reason for ways in TRANSITIONS.values() for reason in ways.values())


def test_an_illegal_step_names_the_ways_there_are() -> None:
    with pytest.raises(IllegalTransition, match="it can go to: nowhere"):
        transition(MessageState.SENT, MessageState.PENDING)
    with pytest.raises(IllegalTransition, match=r"it can go to: sent, pending, failed, cancelled\."):
        transition(MessageState.UNCONFIRMED, MessageState.CLAIMED)


def test_open_and_spent_states() -> None:
    assert {"pending", "claimed", "sending", "unconfirmed"} == OPEN
    assert OPEN | {"sent"} == SPENT


@given(st.lists(st.sampled_from(list(Reception)), min_size=1))
def test_reception_is_the_highest_report_in_whatever_order_they_come(reports: list[Reception]) -> None:
    known = None
    for reported in reports:
        known = receive(known, reported)
    assert known == max(reports, key=list(Reception).index)


def test_what_a_reception_overrides() -> None:
    assert RECEPTION_BELOW[Reception.ACCEPTED] == ()
    assert RECEPTION_BELOW[Reception.DELIVERED] == (Reception.ACCEPTED, Reception.DEFERRED)
    assert RECEPTION_BELOW[Reception.COMPLAINED] == tuple(Reception)[:4]


def test_who_may_be_mailed_is_not_blocked() -> None:
    assert may_send(ANA, "product", NOW) is None


@pytest.mark.parametrize("on_reply", ["pause", "continue"])
def test_who_is_not_mailable_is_blocked_for_good(on_reply: str) -> None:
    blocked = may_send(replace(ANA, mailable=False), None, NOW, on_reply=on_reply)  # type: ignore[arg-type]
    sentence = "The lead gave no consent, or its address is suppressed."
    assert blocked == Blocked("not_mailable", sentence, final=True, until=None)


def test_a_refused_topic_blocks_that_topic_alone() -> None:
    lead = replace(ANA, refused_topics=frozenset({"product"}))
    sentence = 'The lead unsubscribed from the topic "product".'
    assert may_send(lead, "product", NOW) == Blocked("topic_refused", sentence, final=True, until=None)
    assert may_send(lead, "newsletter", NOW) is None
    assert may_send(lead, None, NOW) is None


def test_a_campaign_that_does_not_run_blocks_for_now() -> None:
    blocked = may_send(ANA, None, NOW, running=False)
    assert blocked == Blocked("campaign_paused", "The campaign is not running.", final=False, until=None)


def test_a_break_blocks_until_it_ends_and_not_at_its_end() -> None:
    end = NOW + timedelta(days=30)
    lead = replace(ANA, paused_until=end)
    blocked = may_send(lead, None, NOW)
    assert blocked == Blocked("break", "The lead asked for a break.", final=False, until=end)
    assert may_send(lead, None, end) is None


def test_a_conversation_blocks_unless_the_campaign_goes_on() -> None:
    lead = replace(ANA, conversation_since=NOW - timedelta(hours=1))
    sentence = "A person is talking to the lead; marketing waits until that is over."
    assert may_send(lead, None, NOW) == Blocked("conversation", sentence, final=False, until=None)
    assert may_send(lead, None, NOW, on_reply="continue") is None


@given(st.integers(1, MAX_ATTEMPTS - 1), st.text())
def test_delays_double_to_a_bound_and_stretch_by_less_than_a_quarter(attempts: int, key: str) -> None:
    answer = retry(RefusedForNow("421 busy"), attempts, NOW, key)
    assert isinstance(answer, RetryAt)
    base = min(FIRST_DELAY * 2 ** (attempts - 1), LONGEST_DELAY)
    assert base <= answer.at - NOW < base * 1.25
    assert "421 busy" in answer.sentence


def test_the_stretch_is_the_same_on_every_run_and_differs_between_messages() -> None:
    def at(key: str, attempts: int = 3) -> datetime:
        answer = retry(RefusedForNow("busy"), attempts, NOW, key)
        assert isinstance(answer, RetryAt)
        return answer.at

    assert at("a") == at("a") == datetime(2026, 3, 2, 10, 4, 44, 781495, tzinfo=UTC)
    assert len({at(str(number)) for number in range(100)}) > 90


def test_a_longer_wait_that_the_receiver_asks_for_is_honoured() -> None:
    answer = retry(RefusedForNow("429", retry_after=timedelta(hours=9)), 1, NOW, "a")
    assert answer == RetryAt(NOW + timedelta(hours=9), "Refused for now: 429")


def test_a_shorter_wait_than_ours_is_not_taken() -> None:
    answer = retry(RefusedForNow("429", retry_after=timedelta(seconds=1)), 1, NOW, "a")
    assert isinstance(answer, RetryAt)
    assert answer.at >= NOW + FIRST_DELAY


def test_the_last_attempt_gives_up() -> None:
    answer = retry(RefusedForNow("421 busy"), MAX_ATTEMPTS, NOW, "a")
    assert answer == GiveUp(MessageState.FAILED, "Refused 24 times, the last time with: 421 busy")


def test_the_attempts_spread_over_at_least_four_days() -> None:
    moment = NOW
    for attempts in range(1, MAX_ATTEMPTS):
        answer = retry(RefusedForNow("421"), attempts, moment, "a")
        assert isinstance(answer, RetryAt)
        moment = answer.at
    assert timedelta(days=4) <= moment - NOW < timedelta(days=6)


def test_a_refused_account_is_tried_again_however_often() -> None:
    answer = retry(AccountRefused("535 wrong password"), 1000, NOW, "a")
    assert answer == RetryAt(NOW + ACCOUNT_DELAY, "The mailer refuses the account: 535 wrong password")


def test_a_refused_message_has_failed() -> None:
    answer = retry(MessageRefused("550 no such user"), 1, NOW, "a")
    assert answer == GiveUp(MessageState.FAILED, "Refused for good: 550 no such user")


@pytest.mark.parametrize("error", [OutcomeUnknown("time-out"), MailerError("time-out")])
def test_an_unknown_outcome_is_never_tried_again_by_itself(error: MailerError) -> None:
    answer = retry(error, 1, NOW, "a")
    assert answer == GiveUp(MessageState.UNCONFIRMED, "Nobody can tell whether it was accepted: time-out")
