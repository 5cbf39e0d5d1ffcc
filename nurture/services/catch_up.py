"""The hourly look for whatever nothing else has noticed."""

from datetime import datetime, timedelta

from nurture.services.runtime import Runtime
from nurture.store import catching_up as store
from nurture.store.leads import mark_dirty, refresh_mailable

LOOK_BACK = timedelta(days=7)
"""A suppression that ran out longer ago has been dealt with, or the machine was off for a week."""

AT_ONCE = 5000
"""Leads that one call deals with at most; the next one goes on."""


def catch_up(runtime: Runtime, now: datetime) -> int:
    """Have leads looked at, and enrollments decided, that everybody forgot; returns how many.

    Also lets mail go again to leads whose suppression has run out.
    """
    with runtime.write() as session:
        forgotten = store.never_looked_at(session, AT_ONCE)
        released = store.refused_until(session, now - LOOK_BACK, now, AT_ONCE)
        refresh_mailable(session, released, now)
        mark_dirty(session, {*forgotten, *released}, now)
        lost = store.make_due(session, now)
    return len(forgotten) + len(released) + lost
