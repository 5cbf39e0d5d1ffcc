"""Everything that decisions about the leads now due are made on, read with a few statements for all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.decide import Context, Flow
from nurture.domain.definition.organisation import Budget
from nurture.domain.governor import Attention, look_back
from nurture.domain.react import kinds_counted, looked_at
from nurture.domain.streams import Stream
from nurture.domain.timing.windows import LEAD, QuietHours
from nurture.domain.timing.zones import zone_of
from nurture.domain.values import LeadView
from nurture.services.calendars import holidays_around
from nurture.services.catalogue import Catalogue, load_catalogue
from nurture.services.flows import load_flows
from nurture.services.house import House, load_house
from nurture.store import enrollments, planning
from nurture.store.enrollments import DuePassage, Seen
from nurture.store.inbox import settled_events
from nurture.store.leads import lead_views


@dataclass(frozen=True, slots=True)
class DueLead:
    """A lead with its passages that are due, and what is known about it."""

    snapshot: Snapshot
    passages: tuple[DuePassage, ...]
    read: frozenset[str]
    spent: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for all leads of one tick."""

    house: House
    catalogue: Catalogue
    flows: Mapping[int, Flow]
    holidays: Mapping[str, frozenset[date]]
    quiet: QuietHours | None
    zone: str

    @property
    def budget(self) -> Budget | None:
        """How often a lead may be written to."""
        return self.house.organisation.budget

    @property
    def streams(self) -> Mapping[str, Stream]:
        """Every stream by its slug."""
        return self.catalogue.streams


@dataclass(frozen=True, slots=True)
class Load:
    """One tick's work, as it was read: `seen` is what must not have changed when it is written."""

    rules: Rules
    leads: Mapping[int, DueLead]
    sent: Mapping[int, frozenset[tuple[str, int]]]
    seen: Mapping[int, Seen]

    def zone(self, lead: LeadView, flow: Flow) -> ZoneInfo:
        """The zone in which the lead lives, as far as it is known."""
        return zone_of(lead, flow.definition.zone, self.rules.zone)

    def attention(self, lead: DueLead, zone: ZoneInfo) -> Attention:
        """What the lead's attention has been spent on."""
        return Attention(lead.spent, zone, lead.snapshot.lead.less_often)

    def context(self, lead: DueLead, passage_id: int, zone: ZoneInfo, read: frozenset[str]) -> Context:
        """What a decision about one of the lead's passages may know."""
        return Context(
            snapshot=lead.snapshot,
            zone=zone,
            sent=self.sent.get(passage_id, frozenset()),
            read=read,
            streams=self.rules.streams,
            holidays=self.rules.holidays,
            quiet=self.rules.quiet,
        )


def load(session: Session, zone: str, now: datetime, limit: int) -> Load:
    """Everything about at most `limit` leads that are due; `zone` is the house's."""
    lead_ids = enrollments.due_leads(session, now, limit)
    # First of all what must not change: whatever changes while the rest is read shows in it.
    seen = enrollments.seen(session, lead_ids)
    passages = enrollments.passages_due(session, lead_ids, now)
    house = load_house(session)
    flows = load_flows(session, {due.passage.version_id for due in passages})
    kinds = kinds_counted(
        (part for flow in flows.values() for part in looked_at(flow.definition)), house.segments
    )
    views = lead_views(session, lead_ids)
    rules = Rules(
        house=house,
        catalogue=load_catalogue(session, house),
        flows=flows,
        holidays=holidays_around(_countries(views.values(), flows.values()), now),
        quiet=_quiet(house),
        zone=zone,
    )
    events = settled_events(session, lead_ids, kinds)
    read = planning.pieces_read(session, lead_ids)
    spent = _spent(session, rules.budget, lead_ids, now)
    by_lead: dict[int, list[DuePassage]] = {}
    for due in passages:
        by_lead.setdefault(due.passage.lead_id, []).append(due)
    leads = {
        lead_id: DueLead(
            snapshot=Snapshot(
                view, events.get(lead_id, ()), house.half_life, house.segments, house.field_types
            ),
            passages=tuple(by_lead.get(lead_id, ())),
            read=read.get(lead_id, frozenset()),
            spent=spent.get(lead_id, ()),
        )
        for lead_id, view in views.items()
    }
    return Load(rules, leads, planning.sent_steps(session, [due.passage.id for due in passages]), seen)


def _quiet(house: House) -> QuietHours | None:
    quiet = house.organisation.quiet_hours
    return None if quiet is None else QuietHours.parse(quiet.from_, quiet.to)


def _countries(leads: Iterable[LeadView], flows: Iterable[Flow]) -> set[str]:
    """The countries whose holidays a window may ask for."""
    named = {window.holidays for flow in flows for window in flow.windows.values()} - {"none"}
    if LEAD not in named:
        return named
    lived_in = {lead.country or (lead.company.country if lead.company else None) for lead in leads}
    return {country for country in named | lived_in if country and country != LEAD}


def _spent(
    session: Session, budget: Budget | None, lead_ids: Iterable[int], now: datetime
) -> dict[int, tuple[datetime, ...]]:
    if budget is None:
        return {}
    return planning.attention_spent(session, lead_ids, now - look_back(budget))
