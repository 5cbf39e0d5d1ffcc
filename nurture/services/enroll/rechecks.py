"""Leads that are looked at again: segments, fit and ladders, then every campaign's entry condition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.conditions import recheck
from nurture.domain.conditions.evaluate import Snapshot, evaluate
from nurture.domain.conditions.references import references
from nurture.domain.conditions.tree import Condition
from nurture.domain.entry import next_cause
from nurture.domain.errors import InputError
from nurture.domain.lifecycle import foresight
from nurture.domain.lifecycle.moves import Rule
from nurture.domain.react import kinds_counted, looked_at
from nurture.services.enroll.admit import Candidate, History, admit, history, refusal
from nurture.services.enroll.programmes import Programme, running
from nurture.services.house import House, load_house
from nurture.services.ladders import reconsider
from nurture.services.runtime import Runtime
from nurture.services.sets import set_context
from nurture.store import entries
from nurture.store.entries import Holding
from nurture.store.inbox import lock_leads
from nurture.store.segments import refresh_members


@dataclass(frozen=True, slots=True)
class Rules:
    """What all leads are looked at by: the house, campaigns with an entry condition, tracked segments."""

    house: House
    programmes: tuple[Programme, ...]
    tracked: frozenset[str]
    zone: str

    @property
    def conditions(self) -> list[Condition]:
        """Everything that time alone may make true, besides the ladders."""
        entering = [programme.entry.when for programme in self.programmes]
        segments = [self.house.segments[slug] for slug in sorted(self.tracked)]
        return [condition for condition in (*entering, *segments) if condition is not None]


def look_again(runtime: Runtime, lead_ids: Sequence[int], now: datetime) -> int:
    """Look at these leads in one transaction; returns how many there were to look at."""
    with runtime.write() as session:
        held = lock_leads(session, lead_ids, wait=False)
        revs = entries.take_rechecks(session, held, now)
        if not revs:
            return 0
        rules = load_rules(session, runtime.settings.zone)
        _refresh_segments(session, rules, revs.keys(), now)
        kinds = foresight.event_kinds(rules.house.ladders, rules.house.segments)
        kinds |= kinds_counted(rules.conditions, rules.house.segments)
        snapshots = reconsider(session, rules.house, revs.keys(), now, kinds)
        moments = _enter(session, rules, snapshots, now)
        entries.look_again_at(session, revs, moments)
    return len(revs)


def load_rules(session: Session, zone: str) -> Rules:
    """The rules that count now; `zone` is the house's."""
    house = load_house(session)
    programmes = running(session)
    by_condition = tuple(programme for programme in programmes if programme.entry.when is not None)
    return Rules(house, by_condition, _tracked(house, programmes), zone)


def _tracked(house: House, programmes: Iterable[Programme]) -> frozenset[str]:
    """The segments for which somebody asks since when a lead is in them."""
    ladders: tuple[Rule, ...] = (*house.ladders.lifecycle.rules, *house.ladders.stage.rules)
    conditions = [rule.when for rule in ladders] + list(house.segments.values())
    for programme in programmes:
        conditions += looked_at(programme.flow.definition)
        if programme.entry.when is not None:
            conditions.append(programme.entry.when)
    named = frozenset[str]().union(*(references(condition).tracked_segments for condition in conditions))
    return named & house.segments.keys()


def _refresh_segments(session: Session, rules: Rules, lead_ids: Iterable[int], now: datetime) -> None:
    context = set_context(session, rules.house, now)
    for slug in sorted(rules.tracked):
        refresh_members(session, slug, context, list(lead_ids))


def _enter(
    session: Session, rules: Rules, snapshots: Mapping[int, Snapshot], now: datetime
) -> dict[int, datetime | None]:
    """Let in whoever meets an entry condition; returns when each lead is to be looked at next."""
    lead_ids = sorted(snapshots)
    passed = history(session, rules.programmes, lead_ids)
    always = [programme.slug for programme in rules.programmes if programme.entry.reentry == "always"]
    holding = entries.holding(session, always, lead_ids)
    looks = [_look(rules, snapshots[lead_id], passed, holding, now) for lead_id in lead_ids]
    candidates = [candidate for look in looks for candidate in look.candidates]
    entered = admit(session, candidates, now)
    begun = {(one.programme.slug, one.lead.id) for one in candidates if one.pair in entered}
    entries.begin_holding(session, {pair for pair in begun if pair[0] in always}, now)
    entries.end_holding(session, {pair for look in looks for pair in look.over})
    return {look.lead_id: look.next_at for look in looks}


@dataclass(frozen=True, slots=True)
class Look:
    """What looking at one lead came to: the campaigns it may enter, and when to look again.

    `over` are the entry conditions that are true no longer, so that they may come true anew.
    """

    lead_id: int
    candidates: tuple[Candidate, ...]
    over: Holding
    next_at: datetime | None


def _look(rules: Rules, snapshot: Snapshot, passed: History, holding: Holding, now: datetime) -> Look:
    lead = snapshot.lead
    candidates: list[Candidate] = []
    over: Holding = set()
    moments = [foresight.recheck_at(snapshot, rules.house.ladders, now)]
    for programme in rules.programmes:
        pair = (programme.slug, lead.id)
        if not _meets(programme, snapshot, now):
            over |= {pair} & holding
            continue
        cause = next_cause(passed.get((programme.id, lead.id), ()))
        candidate = Candidate(programme, lead, cause)
        refused = refusal(candidate, passed, rules.zone, now)
        if refused is not None:
            moments.append(refused.next_at)
        elif pair not in holding:
            candidates.append(candidate)
    moments.append(_foreseen(rules, snapshot, now))
    next_at = min((moment for moment in moments if moment is not None), default=None)
    return Look(lead.id, tuple(candidates), over, next_at)


def _meets(programme: Programme, snapshot: Snapshot, now: datetime) -> bool:
    try:
        return programme.entry.when is not None and evaluate(programme.entry.when, snapshot, now)
    except InputError:
        # It names a segment or field that there is no longer: `check` tells, and nobody enters meanwhile.
        return False


def _foreseen(rules: Rules, snapshot: Snapshot, now: datetime) -> datetime | None:
    try:
        return recheck.recheck_at(rules.conditions, snapshot, now)
    except InputError:
        # As above; the hourly look at all leads catches what is not foreseen.
        return None
