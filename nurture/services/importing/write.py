"""Writes a portion of drafts: companies, leads, tags, ladders, consent and the facts, set by set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.events import EventKind
from nurture.domain.text import fold
from nurture.services.importing.drafts import CompanyDraft, LeadDraft
from nurture.services.runtime import Runtime
from nurture.store.events import NewEvent, record_events
from nurture.store.leads import mark_dirty, refresh_mailable
from nurture.store.schema import Company, Consent, LadderChange, Lead, LeadTag
from nurture.store.suppressions import NewConsent, recognise, record_consents


@dataclass(frozen=True, slots=True)
class Batch:
    """What is common to all rows of one import."""

    name: str
    now: datetime
    actor: str


def write(session: Session, runtime: Runtime, drafts: Sequence[LeadDraft], batch: Batch) -> set[str]:
    """Create or update these leads; the last row of an address wins. Consent is only ever added.

    Returns the addresses that were known before.
    """
    by_address = {draft.address: draft for draft in drafts}
    named = [draft.company for draft in by_address.values() if draft.company and draft.company.name]
    companies = _companies(session, named, batch.now)
    known = _known(session, by_address)
    fresh = [draft for address, draft in by_address.items() if address not in known]
    recognise(session, [draft.address for draft in fresh], runtime.hash_address)
    created = [_new_lead(draft, batch) for draft in fresh]
    session.add_all(created)
    everybody = [*known.values(), *created]
    _fill_in(session, everybody, by_address, companies, batch.now)
    _describe_companies(session, everybody, by_address, batch.now)
    session.flush()
    leads = {str(lead.address): lead.id for lead in everybody}
    _tag(session, by_address, leads, batch.now)
    _note_ladders(session, [(leads[draft.address], draft) for draft in fresh], batch)
    consenting = _consent(session, by_address, leads, batch.now)
    _record(session, leads, consenting, batch)
    refresh_mailable(session, leads.values(), batch.now)
    mark_dirty(session, leads.values(), batch.now)
    return set(known)


def addresses_known(session: Session, addresses: Sequence[str]) -> set[str]:
    """Which of these addresses are leads already."""
    found = session.scalars(select(Lead.address).where(Lead.address.in_(addresses)))
    return {str(address) for address in found}


def _companies(session: Session, drafts: Sequence[CompanyDraft], now: datetime) -> dict[str, Company]:
    """The companies of these drafts, created or updated, by the drafts' keys."""
    merged = _merged(drafts)
    known = _known_companies(session, merged)
    for key, draft in merged.items():
        company = known.get(key)
        if company is None:
            known[key] = company = Company(
                name=draft.name, domain=draft.domain, fields={}, created_at=now, updated_at=now
            )
            session.add(company)
        elif company.name == company.domain:
            company.name = draft.name
        for name, value in draft.values.items():
            setattr(company, name, value)
        company.fields = {**company.fields, **draft.fields}
        company.updated_at = now
    session.flush()
    by_name = {fold(draft.name): known[key] for key, draft in merged.items() if draft.domain}
    return known | {draft.key: by_name[fold(draft.name)] for draft in drafts if draft.key not in known}


def _merged(drafts: Sequence[CompanyDraft]) -> dict[str, CompanyDraft]:
    """One draft per company: what a later row says wins, and a name alone is that of a domain beside it."""
    domains = {fold(draft.name): draft.key for draft in drafts if draft.domain}
    merged: dict[str, CompanyDraft] = {}
    for draft in sorted(drafts, key=lambda one: one.domain is None):
        key = draft.key if draft.domain else domains.get(fold(draft.name), draft.key)
        earlier = merged.get(key)
        merged[key] = CompanyDraft(
            earlier.name if earlier and draft.domain is None else draft.name,
            earlier.domain if earlier else draft.domain,
            {**(earlier.values if earlier else {}), **draft.values},
            {**(earlier.fields if earlier else {}), **draft.fields},
        )
    return merged


def _known_companies(session: Session, drafts: Mapping[str, CompanyDraft]) -> dict[str, Company]:
    domains = [draft.domain for draft in drafts.values() if draft.domain]
    names = {fold(draft.name): key for key, draft in drafts.items() if draft.domain is None}
    by_domain = session.scalars(select(Company).where(Company.domain.in_(domains)))
    found = {str(company.domain): company for company in by_domain}
    # Of several companies with one name the oldest is meant: it is written last.
    by_name = select(Company).where(Company.name_folded.in_(list(names))).order_by(Company.id.desc())
    for company in session.scalars(by_name):
        found[names[company.name_folded]] = company
    return found


def _known(session: Session, drafts: Mapping[str, LeadDraft]) -> dict[str, Lead]:
    rows = session.scalars(select(Lead).where(Lead.address.in_(list(drafts))))
    return {str(lead.address): lead for lead in rows}


def _new_lead(draft: LeadDraft, batch: Batch) -> Lead:
    """A ladder is set for new leads only: those we know have a history of their own."""
    lead = Lead(
        address=draft.address,
        source=batch.name,
        fields={},
        created_at=batch.now,
        updated_at=batch.now,
        lifecycle_since=batch.now,
        stage_since=batch.now,
    )
    if draft.lifecycle is not None:
        lead.lifecycle = draft.lifecycle
    if draft.stage is not None:
        lead.stage = draft.stage
    return lead


def _fill_in(
    session: Session,
    leads: Sequence[Lead],
    drafts: Mapping[str, LeadDraft],
    companies: Mapping[str, Company],
    now: datetime,
) -> None:
    """Write what the rows say of these leads; what they leave open stays."""
    held = select(Company.id, Company.name).where(
        Company.id.in_({lead.company_id for lead in leads} - {None})
    )
    names: dict[int | None, str] = {row.id: row.name for row in session.execute(held)}
    for lead in leads:
        draft = drafts[str(lead.address)]
        for name, value in draft.values.items():
            setattr(lead, name, value)
        company = companies[draft.company.key] if draft.company and draft.company.name else None
        if company is not None:
            lead.company_id = company.id
            names[company.id] = company.name
        lead.fields = {**lead.fields, **draft.fields}
        words = (lead.first_name, lead.last_name, lead.address, names.get(lead.company_id))
        lead.search = fold(" ".join(word for word in words if word))
        lead.updated_at = now


def _describe_companies(
    session: Session, leads: Sequence[Lead], drafts: Mapping[str, LeadDraft], now: datetime
) -> None:
    """Keep what rows say of a company without saying which: of the lead's own, or of one without a name."""
    said = [
        (lead, draft) for lead in leads if (draft := drafts[str(lead.address)].company) and not draft.name
    ]
    known = select(Company).where(Company.id.in_({lead.company_id for lead, _ in said} - {None}))
    held: dict[int | None, Company] = {company.id: company for company in session.scalars(known)}
    described = [
        held.get(lead.company_id) or Company(name="", fields={}, created_at=now, updated_at=now)
        for lead, _ in said
    ]
    session.add_all(described)
    for company, (_, draft) in zip(described, said, strict=True):
        for name, value in draft.values.items():
            setattr(company, name, value)
        company.fields = {**company.fields, **draft.fields}
        company.updated_at = now
    session.flush()
    for company, (lead, _) in zip(described, said, strict=True):
        lead.company_id = company.id


def _tag(session: Session, drafts: Mapping[str, LeadDraft], leads: Mapping[str, int], now: datetime) -> None:
    rows = [
        {"lead_id": leads[address], "tag": tag, "since": now}
        for address, draft in drafts.items()
        for tag in draft.tags
    ]
    if rows:
        upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(upsert(LeadTag).on_conflict_do_nothing(), rows)


def _note_ladders(session: Session, fresh: Sequence[tuple[int, LeadDraft]], batch: Batch) -> None:
    rows = [
        {
            "lead_id": lead_id,
            "ladder": ladder,
            "from_": None,
            "to": rung,
            "at": batch.now,
            "recorded_at": batch.now,
            "rule": "import",
            "reason": batch.name,
            "actor": batch.actor,
        }
        for lead_id, draft in fresh
        for ladder, rung in (("lifecycle", draft.lifecycle), ("stage", draft.stage))
        if rung is not None
    ]
    if rows:
        session.execute(insert(LadderChange), rows)


def _consent(
    session: Session, drafts: Mapping[str, LeadDraft], leads: Mapping[str, int], now: datetime
) -> set[int]:
    """Add consent where a row brings it and the lead has none on record; a withdrawal stays."""
    on_record = set(
        session.scalars(
            select(Consent.lead_id).where(Consent.lead_id.in_(list(leads.values())), Consent.topic == "*")
        )
    )
    new = [
        NewConsent(leads[address], draft.consent, basis="import")
        for address, draft in drafts.items()
        if draft.consent and leads[address] not in on_record
    ]
    record_consents(session, new, now)
    return {consent.lead_id for consent in new}


def _record(session: Session, leads: Mapping[str, int], consenting: set[int], batch: Batch) -> None:
    facts = [(lead_id, EventKind.IMPORTED) for lead_id in leads.values()]
    facts += [(lead_id, EventKind.CONSENT_GIVEN) for lead_id in sorted(consenting)]
    events = [
        NewEvent(
            source="import",
            external_id=f"{batch.name}:{batch.now.isoformat()}:{lead_id}:{kind}",
            lead_id=lead_id,
            kind=kind,
            at=batch.now,
            data={"file": batch.name},
        )
        for lead_id, kind in facts
    ]
    record_events(session, events, batch.now)
