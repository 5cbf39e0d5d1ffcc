"""Enrollments that came due although their campaign does not run: frozen or ended, never decided."""

from datetime import datetime

from nurture.services.runtime import Runtime
from nurture.services.tick.load import Load
from nurture.store import enrollments, pausing
from nurture.store.campaigns import ACTIVE, PAUSED, by_id
from nurture.store.enrollments import DuePassage, Ending
from nurture.store.messages import cancel_pending


def settle_strays(runtime: Runtime, load: Load, now: datetime) -> int:
    """Freeze what belongs to a paused campaign, and end what belongs to a stopped one; returns how many.

    Pausing and stopping do the same for all, portion by portion; this catches what came in between.
    """
    strays: dict[int, list[DuePassage]] = {}
    for lead in load.leads.values():
        for due in lead.passages:
            if due.campaign_status != ACTIVE:
                strays.setdefault(due.campaign_id, []).append(due)
    return sum(_settle(runtime, campaign_id, found, now) for campaign_id, found in strays.items())


def _settle(runtime: Runtime, campaign_id: int, strays: list[DuePassage], now: datetime) -> int:
    ids = [due.passage.id for due in strays]
    with runtime.write() as session:
        campaign = by_id(session, campaign_id)
        if campaign is None or campaign.status == ACTIVE:
            # It was resumed this very moment: its enrollments are decided by the next tick.
            return 0
        if campaign.status == PAUSED:
            pausing.freeze(session, ids, campaign.paused_at or now)
        else:
            cancel_pending(session, ids, "campaign_stopped", now)
            endings = [
                Ending(due.passage.id, "exited", "campaign_stopped", due.passage.position) for due in strays
            ]
            enrollments.end(session, endings, now)
    return len(ids)
