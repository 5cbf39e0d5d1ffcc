"""Campaigns and their immutable versions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from nurture.store.schema import Campaign, CampaignVersion

ACTIVE, PAUSED, STOPPED, DRAFT = "active", "paused", "stopped", "draft"


@dataclass(frozen=True, slots=True)
class CampaignState:
    """A campaign as it stands; `version_id` is the version that new leads enter."""

    id: int
    slug: str
    status: str
    version_id: int | None
    started_at: datetime | None
    paused_at: datetime | None


def running(session: Session) -> tuple[CampaignState, ...]:
    """The campaigns that leads may enter, those of higher priority first."""
    statement = (
        select(Campaign)
        .where(Campaign.status == ACTIVE, Campaign.version_id.is_not(None))
        .order_by(Campaign.priority.desc(), Campaign.id)
    )
    return tuple(_state(row) for row in session.scalars(statement))


def by_slug(session: Session, slug: str, *, lock: bool = False) -> CampaignState | None:
    """One campaign; with `lock` nobody else changes it until the transaction ends."""
    statement = select(Campaign).where(Campaign.slug == slug)
    row = session.scalar(statement.with_for_update() if lock else statement)
    return None if row is None else _state(row)


def by_id(session: Session, campaign_id: int) -> CampaignState | None:
    """One campaign."""
    row = session.get(Campaign, campaign_id)
    return None if row is None else _state(row)


def _state(row: Campaign) -> CampaignState:
    return CampaignState(row.id, row.slug, row.status, row.version_id, row.started_at, row.paused_at)


def set_status(session: Session, campaign_id: int, status: str, **stamps: datetime | None) -> None:
    """Change the status, and `started_at` or `paused_at` where they are given."""
    session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(status=status, **stamps)
        .execution_options(synchronize_session=False)
    )


def digests(session: Session, version_ids: Collection[int]) -> dict[int, str]:
    """What tells the definitions of these versions apart; equal digests are equal definitions."""
    rows = session.execute(
        select(CampaignVersion.id, CampaignVersion.digest).where(CampaignVersion.id.in_(version_ids))
    )
    return {version_id: digest for version_id, digest in rows}  # noqa: C416 - rows are no pairs to mypy.


def definitions(session: Session, version_ids: Collection[int]) -> dict[int, Mapping[str, Any]]:
    """The stored definitions of these versions."""
    rows = session.execute(
        select(CampaignVersion.id, CampaignVersion.definition).where(CampaignVersion.id.in_(version_ids))
    )
    return {version_id: definition for version_id, definition in rows}  # noqa: C416 - as above.


def version_numbered(session: Session, campaign_id: int, number: int) -> int | None:
    """The id of a campaign's version by its number."""
    return session.scalar(
        select(CampaignVersion.id).where(
            CampaignVersion.campaign_id == campaign_id, CampaignVersion.number == number
        )
    )
