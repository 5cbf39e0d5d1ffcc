"""Campaigns as lists and pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from nurture.store.schema import Campaign, CampaignVersion, Due, Enrollment, Template, TemplateVersion


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign as lists show it; the definition is that of its newest version."""

    id: int
    slug: str
    name: str
    status: str
    stage: str
    priority: int
    topic: str
    number: int
    definition: Mapping[str, Any]
    version_id: int | None
    started_at: datetime | None
    paused_at: datetime | None
    versioned_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many leads stand at a step, and how many of them are on an older version of the campaign."""

    here: int
    on_older: int


def campaign_rows(session: Session) -> tuple[CampaignRow, ...]:
    """Every campaign: those that run first, then by name."""
    found = [_row(*row) for row in session.execute(_with_version())]
    return tuple(sorted(found, key=lambda row: (_STATUS_ORDER.get(row.status, 9), row.name.casefold())))


def campaign_by_slug(session: Session, slug: str) -> CampaignRow | None:
    """One campaign."""
    row = session.execute(_with_version().where(Campaign.slug == slug)).one_or_none()
    return None if row is None else _row(*row)


def waiting_by_step(session: Session, campaign: CampaignRow) -> dict[str, Waiting]:
    """How many leads stand at each step now; under `""` those before the first."""
    rows = session.execute(
        select(Enrollment.position, Enrollment.version_id, func.count())
        .where(Enrollment.campaign_id == campaign.id, Enrollment.status.in_(UNDER_WAY))
        .group_by(Enrollment.position, Enrollment.version_id)
    )
    found: dict[str, Waiting] = {}
    for position, version_id, number in rows:
        known = found.get(position or "", Waiting(0, 0))
        older = number if version_id != campaign.version_id else 0
        found[position or ""] = Waiting(known.here + number, known.on_older + older)
    return found


def next_due(session: Session, campaign_id: int) -> datetime | None:
    """When the first of the campaign's leads is looked at next."""
    return session.scalar(
        select(func.min(Due.due_at))
        .join(Enrollment, Enrollment.id == Due.enrollment_id)
        .where(Enrollment.campaign_id == campaign_id, Enrollment.status == "active")
    )


def subjects(session: Session) -> dict[str, str]:
    """The subject line of each template's base file, by slug."""
    rows = session.execute(
        select(Template.slug, TemplateVersion.front)
        .join(TemplateVersion, TemplateVersion.id == Template.version_id)
        .where(Template.language == "")
    )
    return {slug: str(front.get("subject", "")) for slug, front in rows}


UNDER_WAY = ("active", "paused")
_STATUS_ORDER = {"active": 0, "paused": 1, "draft": 2, "stopped": 3, "archived": 4}


def _with_version() -> Select[Campaign, CampaignVersion]:
    return select(Campaign, CampaignVersion).outerjoin(
        CampaignVersion, CampaignVersion.id == Campaign.version_id
    )


def _row(campaign: Campaign, version: CampaignVersion | None) -> CampaignRow:
    return CampaignRow(
        id=campaign.id,
        slug=campaign.slug,
        name=campaign.name,
        status=campaign.status,
        stage=campaign.stage or "",
        priority=campaign.priority,
        topic=campaign.topic or "",
        number=version.number if version else 0,
        definition=version.definition if version else {},
        version_id=campaign.version_id,
        started_at=campaign.started_at,
        paused_at=campaign.paused_at,
        versioned_at=version.created_at if version else None,
    )
