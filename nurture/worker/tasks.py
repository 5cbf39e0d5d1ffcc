"""The fixed jobs as plain functions: whoever calls them, and however often, the outcome is the same.

Each works in small portions until nothing is left, its time is up or somebody asks it to stop, and returns
how much it did.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from nurture.services.catch_up import catch_up as look_at_all
from nurture.services.deliver import Pace
from nurture.services.deliver import deliver as send_due
from nurture.services.enroll import enroll
from nurture.services.process import process as apply_events
from nurture.services.rollup import roll_up as count_days
from nurture.services.runtime import Runtime
from nurture.services.sweep import reconcile as put_right
from nurture.services.sweep import sweep as take_back
from nurture.services.tick import tick
from nurture.services.tracking import settle_hits

PORTION = 500
"""Leads, enrollments or events per transaction."""

TURN = timedelta(seconds=10)
"""How long one call works at most before it lets others run."""

Stopping = Callable[[], bool]
"""Whether the process is about to end, so that no new portion should begin."""


def going_on() -> bool:
    """Nobody asks to stop."""
    return False


def plan(runtime: Runtime, stopping: Stopping = going_on) -> int:
    """Let leads in that are due to enter, and decide for every enrollment that is due."""
    entered = _until_empty(runtime, enroll, stopping)
    return entered + _until_empty(runtime, tick, stopping)


def deliver(runtime: Runtime, stopping: Stopping = going_on) -> int:
    """Send what is due; returns how many messages were looked at."""
    done = send_due(runtime, runtime.clock.now(), Pace(turn=TURN, stopping=stopping))
    return done.sent + done.failed + done.later + done.suppressed + done.cancelled + done.unconfirmed


def process(runtime: Runtime, stopping: Stopping = going_on) -> int:
    """Judge hits whose burst is over, and apply every event that waits: scores, ladders, wakes."""
    settled = _until_empty(runtime, settle_hits, stopping)
    return settled + _until_empty(runtime, apply_events, stopping)


def sweep(runtime: Runtime, stopping: Stopping = going_on) -> int:
    """Take back what a dead worker had claimed; what it may have sent becomes unconfirmed."""
    return take_back(runtime, runtime.clock.now())


def reconcile(runtime: Runtime, stopping: Stopping = going_on) -> int:
    """Catch what nothing else has caught: unconfirmed mails by policy, pieces to be given back."""
    return put_right(runtime, runtime.clock.now())


def catch_up(runtime: Runtime, stopping: Stopping = going_on) -> int:
    """Look at all leads and enrollments for what should have been noticed and was not."""
    return look_at_all(runtime, runtime.clock.now())


def roll_up(runtime: Runtime, stopping: Stopping = going_on) -> int:
    """Count the days anew that pages show."""
    return count_days(runtime, runtime.clock.now())


def _until_empty(
    runtime: Runtime, portion: Callable[[Runtime, datetime, int], int], stopping: Stopping
) -> int:
    started, total = time.monotonic(), 0
    while not stopping():
        done = portion(runtime, runtime.clock.now(), PORTION)
        total += done
        if done == 0 or time.monotonic() - started > TURN.total_seconds():
            break
    return total
