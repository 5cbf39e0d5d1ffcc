"""What may be sent, what can become of a message, and when a refused one is tried again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from nurture.domain.errors import (
    AccountRefused,
    IllegalTransition,
    MailerError,
    MessageRefused,
    RefusedForNow,
)
from nurture.domain.values import LeadView


class MessageState(StrEnum):
    """Where a message stands on its way from planning to its end."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


PENDING, CLAIMED, SENDING, SENT, FAILED, UNCONFIRMED, SUPPRESSED, CANCELLED = MessageState

OPEN = frozenset({PENDING, CLAIMED, SENDING, UNCONFIRMED})
"""States that something still has to come after."""

SPENT = frozenset({PENDING, CLAIMED, SENDING, SENT, UNCONFIRMED})
"""States in which a message has reached its lead or still may: it counts against the lead's budget."""

TRANSITIONS: dict[MessageState, dict[MessageState, str]] = {
    PENDING: {
        CLAIMED: "a worker took it under a lease",
        SUPPRESSED: "the lead may not be mailed any more",
        CANCELLED: "its passage ended, its time ran out, or a person took it back",
        FAILED: "it cannot be rendered",
    },
    CLAIMED: {
        SENDING: "the intent is durable; the mailer is called next",
        PENDING: "the lease lapsed before the intent, or it is not its time yet; the mailer knows nothing",
        SUPPRESSED: "the binding check of the intent refused it",
        CANCELLED: "its passage ended, its time ran out, or a person took it back",
        FAILED: "it cannot be rendered for this lead",
    },
    SENDING: {
        SENT: "the mailer took it, or an event of the receiver proves that it did",
        PENDING: "the mailer certainly refused it for now; nothing else leads back from here",
        FAILED: "the mailer certainly refused it for good",
        UNCONFIRMED: "nobody can tell whether the mailer took it",
    },
    UNCONFIRMED: {
        SENT: "an event of the receiver proves that it was taken, or a person says so",
        PENDING: "a person or the campaign's policy sends it again and accepts that it may arrive twice",
        FAILED: "a person gave it up, or the receiver proves that it did not take it",
        CANCELLED: "a person took it back",
    },
    SENT: {},
    FAILED: {SENT: "it was given up while in doubt, and an event proves that it was taken"},
    SUPPRESSED: {},
    CANCELLED: {SENT: "it was taken back while in doubt, and an event proves that it was taken"},
}
"""Every step of the status machine and why it exists. What is not here cannot happen."""


def transition(state: MessageState, to: MessageState) -> MessageState:
    """`to`, if a message may go there from `state`.

    Raises:
        IllegalTransition: when the machine has no such step.
    """
    if to not in TRANSITIONS[state]:
        ways = ", ".join(TRANSITIONS[state]) or "nowhere"
        raise IllegalTransition(f'A message that is "{state}" cannot become "{to}"; it can go to: {ways}.')
    return to


class Reception(StrEnum):
    """What became of a sent message at the receiver, from the least to the most that can be said."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


_RECEPTIONS = tuple(Reception)

RECEPTION_BELOW: dict[Reception, tuple[Reception, ...]] = {
    reception: _RECEPTIONS[:rank] for rank, reception in enumerate(_RECEPTIONS)
}
"""For each reception those that it overrides; events come in any order, so it only moves up."""


def receive(known: Reception | None, reported: Reception) -> Reception:
    """The higher of what is known and what is reported now."""
    return reported if known is None or known in RECEPTION_BELOW[reported] else known


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a message may not be sent now: for good where `final`, else until `until` where that is known."""

    reason: str
    sentence: str
    final: bool = False
    until: datetime | None = None


def may_send(
    lead: LeadView,
    topic: str | None,
    now: datetime,
    *,
    running: bool = True,
    on_reply: Literal["pause", "continue"] = "pause",
) -> Blocked | None:
    """Foresee what the binding check will say, so that no work is done for nothing; None means go on.

    `running` says that the campaign is active. Only the intent itself is binding.
    """
    if not lead.mailable:
        return Blocked("not_mailable", "The lead gave no consent, or its address is suppressed.", final=True)
    if topic is not None and topic in lead.refused_topics:
        return Blocked("topic_refused", f'The lead unsubscribed from the topic "{topic}".', final=True)
    if not running:
        return Blocked("campaign_paused", "The campaign is not running.")
    if lead.paused_until is not None and now < lead.paused_until:
        return Blocked("break", "The lead asked for a break.", until=lead.paused_until)
    if lead.conversation_since is not None and on_reply == "pause":
        return Blocked("conversation", "A person is talking to the lead; marketing waits until that is over.")
    return None


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again, not before `at`."""

    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not try again: the message ends as `failed`, or as `unconfirmed` where nobody can tell."""

    state: MessageState
    sentence: str


FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)
MAX_ATTEMPTS = 24
"""With the delays above: about four days.

Source: RFC 5321, 4.5.4.1 (give up after at least 4 to 5 days; start fast, then slow down).
"""

ACCOUNT_DELAY = timedelta(minutes=15)
"""How soon it is tried whether the operator has mended the account; such attempts are never too many."""


def retry(error: MailerError, attempts: int, now: datetime, key: str) -> RetryAt | GiveUp:
    """What follows from a failed attempt, the `attempts`-th for this message.

    Delays double from a minute to six hours, each stretched by up to a quarter; the stretch is a hash of
    `key` (the message's public name) and the attempt, so it is the same on every run. `Retry-After` is a
    lower bound.
    """
    match error:
        case AccountRefused():
            return RetryAt(now + ACCOUNT_DELAY, f"The mailer refuses the account: {error}")
        case RefusedForNow() if attempts < MAX_ATTEMPTS:
            delay = max(_delay(attempts, key), error.retry_after or timedelta(0))
            return RetryAt(now + delay, f"Refused for now: {error}")
        case RefusedForNow():
            return GiveUp(FAILED, f"Refused {attempts} times, the last time with: {error}")
        case MessageRefused():
            return GiveUp(FAILED, f"Refused for good: {error}")
        case _:
            # OutcomeUnknown and whatever is not listed here prove nothing: neither may lead to a second mail.
            return GiveUp(UNCONFIRMED, f"Nobody can tell whether it was accepted: {error}")


def _delay(attempts: int, key: str) -> timedelta:
    doubled = FIRST_DELAY * 2.0 ** min(attempts - 1, 16)
    digest = hashlib.blake2b(f"retry\x00{key}\x00{attempts}".encode(), digest_size=4).digest()
    stretch = 1.0 + int.from_bytes(digest, "big") / 2**32 / 4
    return min(doubled, LONGEST_DELAY) * stretch
