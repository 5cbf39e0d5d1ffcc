"""Changes of leads that campaigns make: tags, and custom fields of leads and their companies."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.values import Scalar
from nurture.store.base import chunks
from nurture.store.schema import Company, Lead, LeadTag

Row = TypeVar("Row", Lead, Company)
Tags = Collection[tuple[int, str]]
"""Tags by lead."""
Fields = Mapping[int, Mapping[str, Scalar]]
"""New values of custom fields by lead."""


def add_tags(session: Session, tags: Tags, now: datetime) -> set[tuple[int, str]]:
    """Put tags on leads; returns those that the leads did not carry yet."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added: set[tuple[int, str]] = set()
    for batch in chunks(sorted(set(tags)), 500):
        rows = [{"lead_id": lead_id, "tag": tag, "since": now} for lead_id, tag in batch]
        statement = upsert(LeadTag).on_conflict_do_nothing().returning(LeadTag.lead_id, LeadTag.tag)
        found = session.connection().execute(statement, rows)
        added.update((lead_id, tag) for lead_id, tag in found)
    return added


def remove_tags(session: Session, tags: Tags) -> None:
    """Take tags off leads."""
    for batch in chunks(sorted(set(tags)), 500):
        session.execute(
            delete(LeadTag)
            .where(tuple_(LeadTag.lead_id, LeadTag.tag).in_(batch))
            .execution_options(synchronize_session=False)
        )


def set_lead_fields(session: Session, values: Fields, now: datetime) -> None:
    """Write custom fields of leads; the others stay as they are."""
    for lead in _objects(session, Lead, values):
        lead.fields = {**lead.fields, **values[lead.id]}
        lead.updated_at = now
    session.flush()


def set_lead_columns(session: Session, values: Fields, now: datetime) -> None:
    """Write language, zone or country of leads; None takes one away."""
    for lead in _objects(session, Lead, values):
        for name, value in values[lead.id].items():
            setattr(lead, name, value)
        lead.updated_at = now
    session.flush()


def set_company_fields(session: Session, values: Fields, now: datetime) -> None:
    """Write custom fields of the companies that these leads belong to; who has none is passed over."""
    leads = {lead.id: lead.company_id for lead in _objects(session, Lead, values)}
    by_company: dict[int, dict[str, Scalar]] = {}
    for lead_id, company_id in leads.items():
        if company_id is not None:
            by_company.setdefault(company_id, {}).update(values[lead_id])
    for company in _objects(session, Company, by_company):
        company.fields = {**company.fields, **by_company[company.id]}
        company.updated_at = now
    session.flush()


def _objects(session: Session, kind: type[Row], ids: Iterable[int]) -> list[Row]:
    found: list[Row] = []
    for batch in chunks(sorted(ids)):
        found.extend(session.scalars(select(kind).where(kind.id.in_(batch))))
    return found
