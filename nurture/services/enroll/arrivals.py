"""Leads that enter because something happened to them, or because a person puts them in."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.conditions.evaluate import has_details
from nurture.domain.errors import ConflictError, NotFound
from nurture.domain.events import Event
from nurture.services.enroll.admit import Candidate, admit, history, refusal
from nurture.services.enroll.programmes import Programme, programmes, running
from nurture.services.runtime import Runtime
from nurture.store import campaigns
from nurture.store.base import chunks
from nurture.store.campaigns import ACTIVE
from nurture.store.leads import lead_views

PORTION = 200
"""Leads let in by one transaction."""


def enter_by_events(session: Session, events: Sequence[Event], zone: str, now: datetime) -> int:
    """Let leads into the campaigns that one of these events opens; returns how many entered.

    The same event never lets anybody in twice, and one from before the campaign's start lets nobody in.
    `zone` is the house's.
    """
    opening = [
        (programme, event) for programme in running(session) for event in events if _opens(programme, event)
    ]
    if not opening:
        return 0
    lead_ids = sorted({event.lead_id for _, event in opening})
    views = lead_views(session, lead_ids)
    passed = history(session, [programme for programme, _ in opening], lead_ids)
    candidates: dict[tuple[int, int], Candidate] = {}
    for programme, event in opening:
        if event.lead_id in views:
            candidate = Candidate(programme, views[event.lead_id], f"event:{event.id}")
            if refusal(candidate, passed, zone, now) is None:
                # Of several such events at a time the first is the reason.
                candidates.setdefault(candidate.pair, candidate)
    return len(admit(session, list(candidates.values()), now))


def _opens(programme: Programme, event: Event) -> bool:
    entry, started_at = programme.entry, programme.state.started_at
    if entry.event != event.kind or not event.counts or not has_details(event, entry.where):
        return False
    return started_at is None or event.at >= started_at


def enter_manually(runtime: Runtime, slug: str, lead_ids: Sequence[int], batch: str, now: datetime) -> int:
    """Put leads into a campaign by hand; returns how many entered. The same `batch` does so once.

    Re-entry rules, consent and holdout count here too.

    Raises:
        NotFound: there is no such campaign.
        ConflictError: it does not run.
    """
    entered = 0
    for ids in chunks(sorted(set(lead_ids)), PORTION):
        with runtime.write() as session:
            programme = _running(session, slug)
            views = lead_views(session, ids)
            passed = history(session, [programme], ids)
            candidates = [Candidate(programme, view, f"manual:{batch}") for view in views.values()]
            able = [one for one in candidates if refusal(one, passed, runtime.settings.zone, now) is None]
            entered += len(admit(session, able, now))
    return entered


def _running(session: Session, slug: str) -> Programme:
    state = campaigns.by_slug(session, slug)
    if state is None:
        raise NotFound(f'There is no campaign "{slug}".')
    if state.status != ACTIVE:
        raise ConflictError(f'The campaign "{slug}" is {state.status}. Start it before you put leads in.')
    found = programmes(session, [state])
    if not found:
        raise ConflictError(f'The campaign "{slug}" has no version that can be read. Publish it again.')
    return found[0]
