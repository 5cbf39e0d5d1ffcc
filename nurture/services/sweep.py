"""What time alone does to the outbox: lapsed claims, handed-over messages without an answer, old pieces."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from nurture.services.runtime import Runtime
from nurture.store.messages import (
    doubt_stale_sendings,
    free_lapsed_claims,
    give_back_pieces,
    pieces_held_in_vain,
    resend_by_policy,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long things may stay open. `stale` is more than twice the longest wait for a mailer's answer."""

    stale: timedelta = timedelta(minutes=21)
    resend: timedelta = timedelta(hours=24)


BOUNDS = Bounds()


def sweep(runtime: Runtime, now: datetime, bounds: Bounds = BOUNDS) -> int:
    """Free what dead workers had claimed, and call unconfirmed what they had handed over; returns how much.

    What was handed over never goes back to pending here: the mailer may have it.
    """
    with runtime.write() as session:
        freed = free_lapsed_claims(session)
        doubted = doubt_stale_sendings(session, bounds.stale, now)
    if doubted:
        log.warning("messages became unconfirmed", action="sweep", count=doubted)
    return freed + doubted


def reconcile(runtime: Runtime, now: datetime, bounds: Bounds = BOUNDS) -> int:
    """Put right what nothing else has: unconfirmed messages by policy, pieces kept by messages that ended."""
    with runtime.write() as session:
        resent = resend_by_policy(session, bounds.resend, now)
        held = pieces_held_in_vain(session)
        give_back_pieces(session, held)
    return resent + len(held)
