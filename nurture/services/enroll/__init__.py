"""Who enters which campaign, and when: by condition, by event, on a schedule, by hand."""

import time
from datetime import datetime

from nurture.services.enroll.arrivals import enter_by_events, enter_manually
from nurture.services.enroll.rechecks import look_again
from nurture.services.enroll.schedules import fire_schedules
from nurture.services.runtime import Runtime
from nurture.store.base import PAUSE, chunks
from nurture.store.entries import leads_to_recheck

__all__ = ["enroll", "enter_by_events", "enter_manually"]

LEADS_PER_TRANSACTION = 50
"""With a few rows each, a transaction stays below what keeps other writers waiting."""


def enroll(runtime: Runtime, now: datetime, limit: int) -> int:
    """Look again at leads whose time has come, and let in whom schedules fire for.

    Works on at most about `limit` leads and returns on how many; 0 means that nothing is left to do now.
    """
    fired = fire_schedules(runtime, now, limit)
    with runtime.read() as session:
        lead_ids = leads_to_recheck(session, now, limit)
    looked = 0
    for ids in chunks(lead_ids, LEADS_PER_TRANSACTION):
        looked += look_again(runtime, ids, now)
        time.sleep(PAUSE.total_seconds())
    return fired + looked
