"""Guessing is made slow: each failure doubles the wait, per account and per address of the network.

Nobody is locked out for good, and somebody who has signed in from this address of the network before is
counted apart, so that a stranger's guesses do not keep the owner out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from nurture.domain.errors import TooManyAttempts
from nurture.store import users
from nurture.store.users import Attempts

FORGET_AFTER = timedelta(hours=1)
LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Limit:
    """A key and how many failures it has free before the waits begin."""

    key: str
    free: int


def admit(session: Session, limits: tuple[Limit, ...], now: datetime) -> None:
    """Count an attempt before it is made, so that many at a time do not slip through.

    Raises:
        TooManyAttempts: one of the keys has to wait; nothing is counted then.
    """
    known = users.lock_attempts(session, [limit.key for limit in limits], now)
    waits = [_wait(known[limit.key], limit.free, now) for limit in limits]
    longest = max(waits, default=timedelta())
    if longest > timedelta():
        raise TooManyAttempts("Too many attempts.", longest)
    for limit in limits:
        users.keep_attempts(session, limit.key, Attempts(_failures(known[limit.key], now) + 1, now))


def forgive(session: Session, own: Limit, shared: Limit, now: datetime) -> None:
    """The attempt was right: what `own` has counted is forgotten, and on `shared` this one does not count."""
    known = users.lock_attempts(session, [shared.key], now)[shared.key]
    users.keep_attempts(session, shared.key, Attempts(max(0, known.failures - 1), known.last))
    users.forget_attempts(session, [own.key])


def _failures(attempts: Attempts, now: datetime) -> int:
    return 0 if now - attempts.last >= FORGET_AFTER else attempts.failures


def _wait(attempts: Attempts, free: int, now: datetime) -> timedelta:
    excess = _failures(attempts, now) - free
    if excess < 0:
        return timedelta()
    delay = min(timedelta(seconds=2.0 ** min(excess, 20)), LONGEST_WAIT)
    return max(timedelta(), attempts.last + delay - now)
