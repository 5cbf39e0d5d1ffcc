"""Campaigns and their immutable versions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from nurture.domain.definition.campaign import CampaignDefinition
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


@dataclass(frozen=True, slots=True)
class StoredCampaign:
    """A campaign with its newest version, as files know it; `path` lies below the campaigns' directory."""

    id: int
    slug: str
    status: str
    path: str | None
    version_id: int
    number: int
    definition: Mapping[str, Any]
    source: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class NewCampaignVersion:
    """A version about to be kept; `source` is the text of its file, where it has one."""

    campaign_id: int
    number: int
    definition: Mapping[str, Any]
    source: str | None
    digest: str


def newest(session: Session) -> tuple[StoredCampaign, ...]:
    """Every campaign that has a version, by slug."""
    rows = session.execute(
        select(
            Campaign.id,
            Campaign.slug,
            Campaign.status,
            Campaign.path,
            CampaignVersion.id,
            CampaignVersion.number,
            CampaignVersion.definition,
            CampaignVersion.source,
            CampaignVersion.digest,
        )
        .join(CampaignVersion, CampaignVersion.id == Campaign.version_id)
        .order_by(Campaign.slug)
    )
    return tuple(StoredCampaign(*row) for row in rows)


def add(session: Session, definition: CampaignDefinition, path: str | None, now: datetime) -> int:
    """A new campaign, as a draft without a version; returns its id."""
    campaign = Campaign(slug=definition.slug, name=definition.name, status=DRAFT, path=path, created_at=now)
    session.add(campaign)
    session.flush()
    return campaign.id


def add_version(
    session: Session, definition: CampaignDefinition, version: NewCampaignVersion, actor: str, now: datetime
) -> int:
    """Keep a version and let new leads enter it; returns its id. `definition` is the same as a value."""
    row = CampaignVersion(
        campaign_id=version.campaign_id,
        number=version.number,
        definition=dict(version.definition),
        source=version.source,
        digest=version.digest,
        created_at=now,
        created_by=actor,
    )
    session.add(row)
    session.flush()
    session.execute(
        update(Campaign)
        .where(Campaign.id == version.campaign_id)
        .values(
            version_id=row.id,
            name=definition.name,
            stage=definition.stage,
            topic=definition.topic,
            priority=definition.priority,
        )
        .execution_options(synchronize_session=False)
    )
    return row.id


def keep_source(session: Session, campaign_id: int, source: str, path: str) -> None:
    """Keep a file's text and place with the newest version: other words, the same meaning."""
    newest_version = select(Campaign.version_id).where(Campaign.id == campaign_id).scalar_subquery()
    session.execute(
        update(CampaignVersion)
        .where(CampaignVersion.id == newest_version)
        .values(source=source)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(path=path)
        .execution_options(synchronize_session=False)
    )
