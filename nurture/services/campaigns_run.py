"""Campaigns started, paused, resumed, stopped, and their passages moved to another version."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from nurture.domain.checks import hindrances
from nurture.domain.decide import Flow
from nurture.domain.definition.steps import SendStep
from nurture.domain.errors import ConflictError, InputError, NotFound
from nurture.services.catalogue import Catalogue, load_catalogue
from nurture.services.files.start import postal_addresses
from nurture.services.flows import load_flows
from nurture.services.house import load_house
from nurture.services.runtime import Runtime
from nurture.store import campaigns as store
from nurture.store import enrollments, fires, pausing
from nurture.store.audit import AuditNote, record
from nurture.store.campaigns import ACTIVE, DRAFT, PAUSED, STOPPED, CampaignState
from nurture.store.enrollments import Ending
from nurture.store.leads import mark_all_dirty
from nurture.store.messages import cancel_pending
from nurture.store.pausing import Older, Thaw, Transfer

ResumeMode = Literal["shift", "skip", "send_now"]
"""How waits go on after a pause.

`shift`: as long as was left of them. `send_now`: until the instant they always had, so what has become due
meanwhile is sent now. `skip`: likewise, but what has become due meanwhile is not sent.
"""

UNDER_WAY = ("active", "paused")
CAMPAIGN_STOPPED = "campaign_stopped"


def start(runtime: Runtime, slug: str, now: datetime, actor: str) -> None:
    """Let leads in.

    Raises:
        NotFound: there is no such campaign.
        ConflictError: it runs or is paused, or lacks something that it needs to send; all of it is said.
    """
    with runtime.write() as session:
        campaign = _locked(session, slug)
        if campaign.status not in (DRAFT, STOPPED):
            raise ConflictError(
                f'The campaign "{slug}" is {campaign.status}; only drafts and stopped ones start.'
            )
        lacking = list(_lacking(session, runtime, campaign))
        if lacking:
            raise ConflictError(f'The campaign "{slug}" cannot start. {" ".join(lacking)}')
        store.set_status(session, campaign.id, ACTIVE, started_at=now, paused_at=None)
        fires.look_again_at(session, campaign.id, now)
        mark_all_dirty(session, now)
        _audit(session, actor, "start", slug, now)


def _lacking(session: Session, runtime: Runtime, campaign: CampaignState) -> Iterator[str]:
    """What keeps a campaign from sending, a sentence each."""
    house = load_house(session)
    flow = load_flows(session, [campaign.version_id] if campaign.version_id else []).get(
        campaign.version_id or 0
    )
    if flow is None:
        yield "It has no version that can be read. Publish it again."
        return
    yield from hindrances(flow.definition, postal_addresses(runtime.settings, house.organisation))
    yield from _missing(flow, load_catalogue(session, house))


def _missing(flow: Flow, catalogue: Catalogue) -> Iterator[str]:
    for step in flow.steps.values():
        if not isinstance(step, SendStep):
            continue
        template, stream = step.send.template, step.send.stream
        if template is not None and template not in catalogue.versions:
            yield f'Step "{step.key}" sends the template "{template}", which there is not.'
        if stream is not None and stream not in catalogue.streams:
            yield f'Step "{step.key}" sends from the stream "{stream}", which there is not.'


def pause(runtime: Runtime, slug: str, now: datetime, actor: str) -> None:
    """Freeze everybody under way where they stand; nothing is sent and no wait goes on.

    No message's intent is committed after this returns; what is queued stays queued.

    Raises:
        NotFound: there is no such campaign.
        ConflictError: it does not run.
    """
    with runtime.write() as session:
        campaign = _locked(session, slug)
        if campaign.status != ACTIVE:
            raise ConflictError(
                f'The campaign "{slug}" is {campaign.status}; only a running one can be paused.'
            )
        store.set_status(session, campaign.id, PAUSED, paused_at=now)
        _audit(session, actor, "pause", slug, now)
    while _freeze(runtime, campaign.id, now):
        continue


def _freeze(runtime: Runtime, campaign_id: int, paused_at: datetime) -> bool:
    with runtime.write() as session:
        ids = pausing.standing_at(session, campaign_id, ["active"])
        pausing.freeze(session, ids, paused_at)
    return bool(ids)


def resume(runtime: Runtime, slug: str, mode: ResumeMode, now: datetime, actor: str) -> None:
    """Go on after a pause, in one of three ways (see `ResumeMode`); everybody is looked at at once.

    If this is interrupted, it can be called again, and goes on with those who are still frozen.

    Raises:
        NotFound: there is no such campaign.
        ConflictError: it is not paused.
    """
    with runtime.write() as session:
        campaign = _locked(session, slug)
        if campaign.paused_at is None or campaign.status not in (PAUSED, ACTIVE):
            raise ConflictError(f'The campaign "{slug}" is {campaign.status}, not paused.')
        # What a schedule would have begun during the pause counts as skipped too.
        stamps = {"started_at": now} if mode == "skip" else {}
        store.set_status(session, campaign.id, ACTIVE, **stamps)
        fires.look_again_at(session, campaign.id, now)
        _audit(session, actor, "resume", slug, now, mode=mode)
    how = Thaw(counted_from=now if mode == "shift" else campaign.paused_at, now=now, skips=mode == "skip")
    while _thaw(runtime, campaign.id, how):
        continue
    with runtime.write() as session:
        store.set_status(session, campaign.id, ACTIVE, paused_at=None)


def _thaw(runtime: Runtime, campaign_id: int, how: Thaw) -> bool:
    with runtime.write() as session:
        ids = pausing.thaw(session, campaign_id, how)
        if how.skips:
            cancel_pending(session, ids, "skipped", how.now)
    return bool(ids)


def stop(runtime: Runtime, slug: str, now: datetime, actor: str) -> None:
    """End the campaign for everybody under way, and take back what is queued.

    Raises:
        NotFound: there is no such campaign.
        ConflictError: it neither runs nor is paused.
    """
    with runtime.write() as session:
        campaign = _locked(session, slug)
        if campaign.status not in (ACTIVE, PAUSED):
            raise ConflictError(f'The campaign "{slug}" is {campaign.status}; there is nothing to stop.')
        store.set_status(session, campaign.id, STOPPED, paused_at=None)
        _audit(session, actor, "stop", slug, now)
    while _end(runtime, campaign.id, now):
        continue


def _end(runtime: Runtime, campaign_id: int, now: datetime) -> bool:
    with runtime.write() as session:
        standing = pausing.standing_at(session, campaign_id, UNDER_WAY)
        cancel_pending(session, standing, CAMPAIGN_STOPPED, now)
        endings = [Ending(key, "exited", CAMPAIGN_STOPPED, position) for key, position in standing.items()]
        enrollments.end(session, endings, now)
    return bool(standing)


@dataclass(frozen=True, slots=True)
class Moved:
    """How many passages went to another version, and how many stayed because their step is not in it."""

    moved: int
    left: int


def move_to_version(
    runtime: Runtime, slug: str, steps: Mapping[str, str], now: datetime, actor: str
) -> Moved:
    """Move everybody under way to the campaign's newest version, each to the step of the same key.

    `steps` sends those who stand at one step to another. Whoever stands at a step that the version lacks,
    and that `steps` does not name, stays on its own version. A step that has sent to a lead never sends to
    it again.

    Raises:
        NotFound: there is no such campaign.
        InputError: `steps` names a step that the version does not have.
    """
    with runtime.write() as session:
        campaign = _locked(session, slug)
        flow = load_flows(session, [campaign.version_id or 0]).get(campaign.version_id or 0)
        if flow is None or campaign.version_id is None:
            raise NotFound(f'The campaign "{slug}" has no version that can be read. Publish it again.')
        unknown = sorted(set(steps.values()) - flow.steps.keys())
        if unknown:
            raise InputError(
                f'The newest version of "{slug}" has no step "{unknown[0]}". Name one by its key.'
            )
        _audit(session, actor, "move_to_version", slug, now, version=campaign.version_id)
    moved = left = after = 0
    while True:
        with runtime.write() as session:
            older = pausing.on_other_versions(session, campaign.id, campaign.version_id, after)
            transfers = list(_transfers(older, flow, steps))
            pausing.transfer(session, campaign.version_id, transfers, now)
        if not older:
            return Moved(moved, left)
        moved, left, after = (
            moved + len(transfers),
            left + len(older) - len(transfers),
            older[-1].enrollment_id,
        )


def _transfers(older: Iterable[Older], flow: Flow, steps: Mapping[str, str]) -> Iterator[Transfer]:
    for one in older:
        position = steps.get(one.position, one.position) if one.position else None
        if position is None or position in flow.steps:
            yield Transfer(one.enrollment_id, position, stays=position == one.position)


def _locked(session: Session, slug: str) -> CampaignState:
    campaign = store.by_slug(session, slug, lock=True)
    if campaign is None:
        raise NotFound(f'There is no campaign "{slug}".')
    return campaign


def _audit(session: Session, actor: str, action: str, slug: str, now: datetime, **detail: str | int) -> None:
    record(session, AuditNote(actor, f"campaign.{action}", f"campaign:{slug}", detail), now)
