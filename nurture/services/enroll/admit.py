"""Letting leads into campaigns: re-entry, consent and holdout, and a line in the log for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.entry import NotAgain, Passed, may_enter
from nurture.domain.experiments import held_out
from nurture.domain.sending import Blocked, may_send
from nurture.domain.timing.zones import zone_of
from nurture.domain.values import LeadView
from nurture.services.enroll.programmes import Programme
from nurture.store import decisions, enrollments
from nurture.store.decisions import NewDecision
from nurture.store.enrollments import NewEnrollment

NOT_ENTERED = "not_entered"

Pair = tuple[int, int]
"""A campaign and a lead."""
History = dict[Pair, tuple[Passed, ...]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lead that has a reason to enter a campaign."""

    programme: Programme
    lead: LeadView
    cause: str

    @property
    def pair(self) -> Pair:
        """The campaign and the lead."""
        return self.programme.id, self.lead.id


def history(session: Session, programmes: Sequence[Programme], lead_ids: Sequence[int]) -> History:
    """What these leads have had of these campaigns."""
    return enrollments.passed(session, [programme.id for programme in programmes], lead_ids)


def refusal(candidate: Candidate, passed: History, house_zone: str, now: datetime) -> NotAgain | None:
    """Why the candidate may not enter again now; None where it may."""
    zone = zone_of(candidate.lead, candidate.programme.flow.definition.zone, house_zone)
    return may_enter(candidate.programme.entry, passed.get(candidate.pair, ()), now, zone)


def admit(session: Session, candidates: Sequence[Candidate], now: datetime) -> set[Pair]:
    """Let in who may be mailed; returns who is in now, those included who are held out to measure lift.

    The caller has seen to it that they may enter again. A campaign that sends is not for those who gave no
    consent: that is said in the log once.
    """
    unwanted = [(one, blocked) for one in candidates if (blocked := _blocked(one, now)) is not None]
    refused = {one.pair for one, _ in unwanted}
    welcome = [one for one in candidates if one.pair not in refused]
    entered = enrollments.enter(session, [_enrollment(one) for one in welcome], now)
    lines = [_entered(one, entered[one.pair]) for one in welcome if one.pair in entered]
    decisions.log(session, [*lines, *_said_first(session, unwanted)], now)
    return set(entered)


def _blocked(candidate: Candidate, now: datetime) -> Blocked | None:
    flow = candidate.programme.flow
    blocked = may_send(candidate.lead, flow.definition.topic, now) if flow.mails else None
    return blocked if blocked is not None and blocked.final else None


def _enrollment(candidate: Candidate) -> NewEnrollment:
    programme = candidate.programme
    return NewEnrollment(
        campaign_id=programme.id,
        version_id=programme.version_id,
        lead_id=candidate.lead.id,
        cause=candidate.cause,
        held_out=_is_held_out(candidate),
    )


_HOW = {
    "condition": "because the entry condition came true",
    "event": "by what it did",
    "schedule": "on schedule",
    "manual": "by hand",
}


def _is_held_out(candidate: Candidate) -> bool:
    definition = candidate.programme.flow.definition
    return held_out(definition.slug, definition.holdout, candidate.lead.id)


def _entered(candidate: Candidate, enrollment_id: int) -> NewDecision:
    out = _is_held_out(candidate)
    kind = candidate.cause.partition(":")[0]
    held = "The lead is held out, so that what the campaign does can be measured."
    return NewDecision(
        lead_id=candidate.lead.id,
        enrollment_id=enrollment_id,
        campaign=candidate.programme.slug,
        outcome="holdout" if out else "entered",
        reason=kind,
        sentence=held if out else f"The lead entered {_HOW[kind]}.",
    )


def _said_first(session: Session, unwanted: Sequence[tuple[Candidate, Blocked]]) -> list[NewDecision]:
    if not unwanted:
        return []
    campaigns = sorted({one.programme.slug for one, _ in unwanted})
    said = decisions.logged(session, NOT_ENTERED, campaigns, {one.lead.id for one, _ in unwanted})
    return [
        NewDecision(
            lead_id=one.lead.id,
            campaign=one.programme.slug,
            outcome=NOT_ENTERED,
            reason=blocked.reason,
            sentence=blocked.sentence,
        )
        for one, blocked in unwanted
        if (one.programme.slug, one.lead.id, blocked.reason) not in said
    ]
