"""Deciding for every enrollment that is due: load, decide, apply."""

import time
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import IntegrityError

from nurture.services.runtime import Runtime
from nurture.services.tick.apply import apply
from nurture.services.tick.load import Load, load
from nurture.services.tick.plan import Plan, plan
from nurture.services.tick.stray import settle_strays
from nurture.store.base import PAUSE, chunks
from nurture.store.enrollments import claim_unchanged
from nurture.store.inbox import lock_leads

LEADS_PER_TRANSACTION = 100
"""With a few rows each, a transaction stays below what keeps other writers waiting."""

log = structlog.get_logger(__name__)


def tick(runtime: Runtime, now: datetime, limit: int) -> int:
    """Decide for at most `limit` leads whose enrollments are due; returns for how many it did.

    It only queues: nothing is sent here. A lead of whom anything changed meanwhile, or that another worker
    holds, is left for the next call.
    """
    with runtime.read() as session:
        work = load(session, runtime.settings.zone, now, limit)
    decided = settle_strays(runtime, work, now)
    plans = [plan(work, lead, now) for lead in work.leads.values()]
    for batch in chunks([made for made in plans if made], LEADS_PER_TRANSACTION):
        decided += write_plans(runtime, work, batch, now)
        time.sleep(PAUSE.total_seconds())
    return decided


def write_plans(runtime: Runtime, work: Load, plans: Sequence[Sequence[Plan]], now: datetime) -> int:
    """Write what was decided for leads who are still as they were read; returns how many are."""
    try:
        return _write_together(runtime, work, plans, now)
    except IntegrityError as error:
        if len(plans) > 1:
            # One of them stands in the way of all: each by itself, and the one shows.
            return sum(write_plans(runtime, work, [one], now) for one in plans)
        return _write_together(runtime, work, [[_failed(made, error) for made in plans[0]]], now)


def _write_together(runtime: Runtime, work: Load, plans: Sequence[Sequence[Plan]], now: datetime) -> int:
    by_lead = {made[0].due.passage.lead_id: made for made in plans}
    with runtime.write() as session:
        held = lock_leads(session, by_lead, wait=False)
        seen = {key: row for key, row in work.seen.items() if row.lead_id in held}
        ours = claim_unchanged(session, seen) & by_lead.keys()
        chosen = [made for lead_id in sorted(ours) for made in by_lead[lead_id]]
        apply(session, work.rules.house, chosen, now)
    for made in chosen:
        if made.error is not None:
            log.error("enrollment_failed", enrollment_id=made.due.passage.id, error=made.error)
    return len(ours)


def _failed(made: Plan, error: Exception) -> Plan:
    return Plan(made.due, error=f"{type(error).__name__}: {error}")
