"""Who may enter a campaign, and enter it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from nurture.domain.definition.campaign import After, Entry
from nurture.domain.timing.spans import after


@dataclass(frozen=True, slots=True)
class Passed:
    """A passage through a campaign that a lead is in or had, as re-entry rules see it."""

    cause: str
    status: str
    entered_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotAgain:
    """Why a lead does not enter now; from `next_at` on it may, where that is known."""

    reason: str
    next_at: datetime | None = None


def may_enter(entry: Entry, passages: Sequence[Passed], now: datetime, zone: ZoneInfo) -> NotAgain | None:
    """Whether somebody with these passages through the campaign may enter it now; None when it may.

    Nobody is in a campaign twice at a time. Schedules ask no more: every instant is a reason of its own.
    """
    if any(passage.ended_at is None for passage in passages):
        return NotAgain("already_in")
    if not passages or entry.schedule is not None or entry.reentry == "always":
        return None
    if isinstance(entry.reentry, After):
        last = max(passage.ended_at or passage.entered_at for passage in passages)
        next_at = after(last, entry.reentry.after, zone)
        return NotAgain("too_soon", next_at) if now < next_at else None
    return NotAgain("had_it")


def next_cause(passages: Sequence[Passed]) -> str:
    """The cause of the next entry by condition: `condition:1`, `condition:2` …"""
    return f"condition:{1 + sum(passage.cause.startswith('condition:') for passage in passages)}"
