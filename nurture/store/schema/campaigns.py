"""Campaigns, their immutable versions, templates, and the leads that pass through."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from nurture.store.base import Base, BigInt, Hash, Id, LeadId, Word


class Campaign(Base):
    """A nurture programme; `status` is draft, active, paused, stopped or archived."""

    __tablename__ = "campaign"
    id: Mapped[Id]
    slug: Mapped[Word] = mapped_column(unique=True)
    name: Mapped[str]
    status: Mapped[Word] = mapped_column(default="draft")
    stage: Mapped[Word | None]
    topic: Mapped[Word | None]
    priority: Mapped[int] = mapped_column(default=50)
    version_id: Mapped[int | None] = mapped_column(
        BigInt, ForeignKey("campaign_version.id", use_alter=True, name="fk_campaign_version_id")
    )
    paused_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    path: Mapped[str | None]
    created_at: Mapped[datetime]


class CampaignVersion(Base):
    """One immutable definition; `source` is the file's text, so that an export gives the same bytes."""

    __tablename__ = "campaign_version"
    id: Mapped[Id]
    campaign_id: Mapped[int] = mapped_column(BigInt, ForeignKey("campaign.id"))
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    source: Mapped[str | None]
    digest: Mapped[Hash]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(default="nurture")
    __table_args__ = (UniqueConstraint("campaign_id", "number"),)


class Document(Base):
    """The newest of each settings file: scoring, lifecycle, segments, streams, organisation."""

    __tablename__ = "document"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[dict[str, Any]]
    source: Mapped[str | None]
    digest: Mapped[Hash]
    updated_at: Mapped[datetime]


class TemplateVersion(Base):
    """A template as it was, for ever: `id` is the hash of template, layout and language variant.

    `front` is its front matter, `compiled` what rendering needs (segments or Jinja source, link table).
    """

    __tablename__ = "template_version"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    slug: Mapped[Word] = mapped_column(index=True)
    language: Mapped[str] = mapped_column(String(35))
    kind: Mapped[Word]
    front: Mapped[dict[str, Any]]
    source: Mapped[str]
    layout: Mapped[str | None]
    compiled: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Template(Base):
    """Which version of a template is the current one, by language; `""` is the base file's language."""

    __tablename__ = "template"
    slug: Mapped[str] = mapped_column(String(128), primary_key=True)
    language: Mapped[str] = mapped_column(String(35), primary_key=True, default="")
    version_id: Mapped[str] = mapped_column(String(64), ForeignKey("template_version.id"))
    retired: Mapped[bool] = mapped_column(default=False)


class Enrollment(Base):
    """One lead's passage through one version of one campaign, with its cause.

    `position` is the key of the step it stands at (NULL before the first), `since` when it came there,
    `occurrence` how often that step has sent. `frozen_wait_seconds` keeps what was left of a wait while
    the campaign is paused or a person talks to the lead; `skips` says that the next send is passed over.
    """

    __tablename__ = "enrollment"
    id: Mapped[Id]
    campaign_id: Mapped[int] = mapped_column(BigInt, ForeignKey("campaign.id"))
    version_id: Mapped[int] = mapped_column(BigInt, ForeignKey("campaign_version.id"))
    lead_id: Mapped[LeadId] = mapped_column(index=True)
    cause: Mapped[Word]
    status: Mapped[Word]
    position: Mapped[str | None] = mapped_column(String(64))
    since: Mapped[datetime]
    occurrence: Mapped[int] = mapped_column(default=0)
    entered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    goal_at: Mapped[datetime | None]
    frozen_wait_seconds: Mapped[int | None] = mapped_column(BigInt)
    skips: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (
        UniqueConstraint("campaign_id", "lead_id", "cause"),
        Index("ix_enrollment_campaign_status", "campaign_id", "status", "position"),
    )


class Due(Base):
    """When an active enrollment is to be looked at next: this row is the truth, not a copy.

    `rev` grows with every change; who decides on what it read changes the row only where `rev` still is
    what it saw. `held_until` is the end of the wait the enrollment is in: an event that wakes it earlier
    sets `due_at` alone.
    """

    __tablename__ = "due"
    enrollment_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("enrollment.id"), primary_key=True, autoincrement=False
    )
    lead_id: Mapped[int] = mapped_column(BigInt, index=True)
    due_at: Mapped[datetime] = mapped_column(index=True)
    rev: Mapped[int] = mapped_column(default=0)
    held_until: Mapped[datetime | None]


class Fire(Base):
    """One instant at which a campaign's schedule fires in a zone (or asks whether it still should).

    `status` is due, fired, missed or asks; `reached` is the last lead of the audience that was looked at, so
    that letting in a large audience goes on where it stopped. One row per campaign with status `next` says
    when to look for instants again.
    """

    __tablename__ = "fire"
    campaign_id: Mapped[int] = mapped_column(BigInt, ForeignKey("campaign.id"), primary_key=True)
    instant: Mapped[datetime] = mapped_column(primary_key=True)
    zone: Mapped[str] = mapped_column(String(64), primary_key=True)
    status: Mapped[Word]
    at: Mapped[datetime]
    entered: Mapped[int] = mapped_column(default=0)
    reached: Mapped[int] = mapped_column(BigInt, default=0)


class ReadPiece(Base):
    """A piece that a lead was sent or is about to be sent, over all campaigns."""

    __tablename__ = "read_piece"
    lead_id: Mapped[int] = mapped_column(BigInt, ForeignKey("lead.id"), primary_key=True)
    piece: Mapped[str] = mapped_column(String(128), primary_key=True)
    message_id: Mapped[int | None] = mapped_column(BigInt, index=True)
    at: Mapped[datetime]
