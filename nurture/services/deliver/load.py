"""Everything that mails of one batch are made from, read with a few statements for all."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from nurture.content.compile import Compiled
from nurture.content.values import Card
from nurture.domain.decide import Flow
from nurture.domain.governor import look_back
from nurture.domain.sending import MessageState
from nurture.domain.timing.windows import LEAD, QuietHours
from nurture.domain.values import CompanyView, LeadView, Lifecycle, Stage
from nurture.services.calendars import holidays_around
from nurture.services.flows import load_flows
from nurture.services.house import House, load_house
from nurture.store.messages import Claimed
from nurture.store.schema import (
    Campaign,
    Company,
    Enrollment,
    Lead,
    Message,
    MessageContent,
    TemplateVersion,
    User,
)

_KEPT = 500
_templates: dict[str, tuple[Compiled, Card]] = {}
"""Template versions by their hash, ready to render; a version never changes."""


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """What a mail needs to know of its campaign."""

    slug: str
    name: str
    running: bool


@dataclass(frozen=True, slots=True)
class Backdrop:
    """One batch's surroundings. `flows` are by enrollment, `given` by lead, `extras` by message."""

    house: House
    quiet: QuietHours | None
    leads: Mapping[int, LeadView]
    campaigns: Mapping[int, CampaignFacts]
    flows: Mapping[int, Flow]
    templates: Mapping[str, tuple[Compiled, Card]]
    owners: Mapping[int, str]
    extras: Mapping[int, Mapping[str, Any]]
    given: Mapping[int, tuple[datetime, ...]]
    holidays: Mapping[str, frozenset[date]]


def load(session: Session, messages: Sequence[Claimed], now: datetime) -> Backdrop:
    """The surroundings of these messages."""
    house = load_house(session)
    leads = _recipients(session, {message.lead_id for message in messages if message.lead_id is not None})
    flows = _flows(
        session, {message.enrollment_id for message in messages if message.enrollment_id is not None}
    )
    quiet = house.organisation.quiet_hours
    return Backdrop(
        house=house,
        quiet=None if quiet is None else QuietHours.parse(quiet.from_, quiet.to),
        leads=leads,
        campaigns=_campaigns(session, {message.campaign_id for message in messages if message.campaign_id}),
        flows=flows,
        templates=_ready(session, {m.template_version_id for m in messages if m.template_version_id}),
        owners=_owners(session, {lead.owner_id for lead in leads.values() if lead.owner_id is not None}),
        extras=_extras(session, [message.id for message in messages if message.kind != "campaign"]),
        given=_given(session, house, leads, now),
        holidays=holidays_around(_countries(leads, flows), now),
    )


def _recipients(session: Session, lead_ids: set[int]) -> dict[int, LeadView]:
    """These leads as far as a mail and its forecast need them: without score, tags and segments."""
    rows = session.execute(
        select(*_LEAD, *_COMPANY)
        .outerjoin(Company, Lead.company_id == Company.id)
        .where(Lead.id.in_(lead_ids))
    )
    return {row.id: _recipient(row) for row in rows}


_LEAD = (
    Lead.id,
    Lead.address,
    Lead.created_at,
    Lead.first_name,
    Lead.last_name,
    Lead.language,
    Lead.zone,
    Lead.country,
    Lead.lifecycle,
    Lead.stage,
    Lead.mailable,
    Lead.refused_topics,
    Lead.conversation_since,
    Lead.paused_until,
    Lead.less_often,
    Lead.owner_id,
    Lead.fields,
)
_COMPANY = (
    Company.id.label("company_id"),
    Company.name.label("company_name"),
    Company.domain.label("company_domain"),
    Company.industry,
    Company.size,
    Company.country.label("company_country"),
    Company.zone.label("company_zone"),
    Company.fields.label("company_fields"),
)


def _recipient(row: Row[*tuple[Any, ...]]) -> LeadView:
    company = None
    if row.company_id is not None:
        company = CompanyView(
            id=row.company_id,
            name=row.company_name,
            domain=row.company_domain or "",
            industry=row.industry,
            size=row.size,
            country=row.company_country,
            zone=row.company_zone,
            fields=row.company_fields,
        )
    return LeadView(
        id=row.id,
        address=row.address or "",
        created_at=row.created_at,
        first_name=row.first_name,
        last_name=row.last_name,
        language=row.language,
        zone=row.zone,
        country=row.country,
        lifecycle=Lifecycle(row.lifecycle),
        stage=Stage(row.stage),
        mailable=row.mailable,
        refused_topics=frozenset(row.refused_topics),
        conversation_since=row.conversation_since,
        paused_until=row.paused_until,
        less_often=row.less_often,
        owner_id=row.owner_id,
        company=company,
        fields=row.fields,
    )


def _flows(session: Session, enrollment_ids: set[int]) -> dict[int, Flow]:
    rows = session.execute(
        select(Enrollment.id, Enrollment.version_id).where(Enrollment.id.in_(enrollment_ids))
    )
    versions = {row.id: row.version_id for row in rows}
    flows = load_flows(session, set(versions.values()))
    return {enrollment: flows[version] for enrollment, version in versions.items() if version in flows}


def _campaigns(session: Session, campaign_ids: set[int]) -> dict[int, CampaignFacts]:
    rows = session.execute(
        select(Campaign.id, Campaign.slug, Campaign.name, Campaign.status).where(
            Campaign.id.in_(campaign_ids)
        )
    )
    return {row.id: CampaignFacts(row.slug, row.name, row.status == "active") for row in rows}


def _ready(session: Session, version_ids: set[str]) -> dict[str, tuple[Compiled, Card]]:
    unknown = version_ids - _templates.keys()
    if unknown:
        rows = session.execute(
            select(TemplateVersion.id, TemplateVersion.compiled, TemplateVersion.front).where(
                TemplateVersion.id.in_(unknown)
            )
        )
        for version_id, compiled, front in rows:
            while len(_templates) >= _KEPT:
                _templates.pop(next(iter(_templates)), None)
            # A version that cannot be read is left out: its messages fail, and no others.
            with suppress(KeyError, TypeError, ValueError):
                _templates[version_id] = (Compiled.from_json(compiled), _card(front))
    return {version_id: _templates[version_id] for version_id in version_ids if version_id in _templates}


def _card(front: Mapping[str, Any]) -> Card:
    title = front.get("title") or front.get("subject") or ""
    return Card(str(title), str(front.get("summary") or front.get("preheader") or ""))


def _owners(session: Session, user_ids: set[int]) -> dict[int, str]:
    if not user_ids:
        return {}
    return {
        row.id: row.name for row in session.execute(select(User.id, User.name).where(User.id.in_(user_ids)))
    }


def _extras(session: Session, message_ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """What mails that are not a campaign's were queued with."""
    if not message_ids:
        return {}
    rows = session.execute(
        select(MessageContent.message_id, MessageContent.merge).where(
            MessageContent.message_id.in_(message_ids)
        )
    )
    return {row.message_id: row.merge for row in rows}


def _given(
    session: Session, house: House, leads: Mapping[int, LeadView], now: datetime
) -> dict[int, tuple[datetime, ...]]:
    """When these leads were last written to, as far as it can count against the budget."""
    budget = house.organisation.budget
    if budget is None or not leads:
        return {}
    at = func.coalesce(Message.sent_at, Message.planned_at)
    handed_over = (MessageState.SENDING, MessageState.SENT, MessageState.UNCONFIRMED)
    rows = session.execute(
        select(Message.lead_id, at.label("at"))
        .where(Message.lead_id.in_(leads), Message.kind == "campaign", Message.state.in_(handed_over))
        .where(at > now - look_back(budget))
    )
    found: dict[int, list[datetime]] = {}
    for row in rows:
        found.setdefault(int(row.lead_id), []).append(row.at)
    return {lead_id: tuple(instants) for lead_id, instants in found.items()}


def _countries(leads: Mapping[int, LeadView], flows: Mapping[int, Flow]) -> set[str]:
    """The countries whose holidays a window may ask for."""
    named = {window.holidays for flow in flows.values() for window in flow.windows.values()} - {"none"}
    if LEAD not in named:
        return named
    return {country for country in named | {country_of(lead) for lead in leads.values()} if country} - {LEAD}


def country_of(lead: LeadView) -> str:
    """Where the lead lives, or else where its company is."""
    return lead.country or (lead.company.country if lead.company else None) or ""
