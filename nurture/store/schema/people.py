"""Leads, their companies, and what we may send them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, validates

from nurture.domain.text import fold
from nurture.store.base import Base, BigInt, Hash, Id, LeadId, Word
from nurture.store.folding import FOLDED, FieldsJson, FoldedText, folded_from


class Company(Base):
    """A company; `domain` is its normalised mail domain and finds it again.

    An UPDATE statement that sets `name` goes through `folding.with_folded`; objects and inserts need not.
    """

    __tablename__ = "company"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(default="")
    name_folded: Mapped[str] = mapped_column(default=folded_from("name"), index=True)
    domain: Mapped[str | None] = mapped_column(String(255), unique=True)
    industry: Mapped[str | None] = mapped_column(FoldedText)
    size: Mapped[str | None] = mapped_column(String(32))
    country: Mapped[str | None] = mapped_column(String(2))
    zone: Mapped[str | None] = mapped_column(String(64))
    owner_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("user.id"))
    fields: Mapped[dict[str, Any]] = mapped_column(FieldsJson, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @validates("name")
    def _fold(self, column: str, text: str) -> str:
        self.name_folded = fold(text)
        return text


class Lead(Base):
    """A person we nurture: one row per normalised address.

    `mailable`, `lifecycle`, `stage`, `fit_*` and `*_since` are caches of ledgers; `search` is the folded
    text that the lists look in. `refused_topics` caches unsubscriptions from single topics.
    An UPDATE statement that sets a name goes through `folding.with_folded`; objects and inserts need not.
    """

    __tablename__ = "lead"
    id: Mapped[Id]
    address: Mapped[str | None] = mapped_column(String(320), unique=True)
    first_name: Mapped[str | None]
    first_name_folded: Mapped[str] = mapped_column(default=folded_from("first_name"))
    last_name: Mapped[str | None]
    last_name_folded: Mapped[str] = mapped_column(default=folded_from("last_name"))
    search: Mapped[str] = mapped_column(default="")
    language: Mapped[str | None] = mapped_column(String(35))
    zone: Mapped[str | None] = mapped_column(String(64))
    country: Mapped[str | None] = mapped_column(String(2))
    company_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("company.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("user.id"))
    lifecycle: Mapped[Word] = mapped_column(default="suspect")
    lifecycle_since: Mapped[datetime | None]
    lifecycle_pinned_until: Mapped[datetime | None]
    stage: Mapped[Word] = mapped_column(default="awareness")
    stage_since: Mapped[datetime | None]
    stage_pinned_until: Mapped[datetime | None]
    fit: Mapped[str] = mapped_column(String(1), default="–")
    fit_points: Mapped[float] = mapped_column(Float, default=0.0)
    fit_coverage: Mapped[float] = mapped_column(Float, default=0.0)
    mailable: Mapped[bool] = mapped_column(default=False)
    not_mailable_because: Mapped[str | None] = mapped_column(default="no consent")
    refused_topics: Mapped[list[Any]] = mapped_column(default=list)
    conversation_since: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    less_often: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(default="")
    fields: Mapped[dict[str, Any]] = mapped_column(FieldsJson, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_lead_ladders", "lifecycle", "stage"),
        Index("ix_lead_created_at", "created_at", "id"),
    )

    @validates("first_name", "last_name")
    def _fold(self, column: str, text: str | None) -> str | None:
        setattr(self, FOLDED[column], fold(text or ""))
        return text


class LeadAlias(Base):
    """An id or address that used to be a lead of its own; tokens made for it go on working."""

    __tablename__ = "lead_alias"
    old_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    lead_id: Mapped[LeadId]
    address: Mapped[str | None] = mapped_column(String(320))
    merged_at: Mapped[datetime]


class LeadTag(Base):
    """A manual label and since when."""

    __tablename__ = "lead_tag"
    lead_id: Mapped[int] = mapped_column(BigInt, ForeignKey("lead.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(128), primary_key=True, index=True)
    since: Mapped[datetime]


class SegmentMember(Base):
    """Since when a lead is in a segment; kept only for segments that a `has_been` asks for.

    A name `entry:<campaign>`, which no segment can have, keeps since when the lead has met a campaign's entry
    condition, where re-entry is `always`: it must come true anew to let the lead in again.
    """

    __tablename__ = "segment_member"
    segment: Mapped[str] = mapped_column(String(128), primary_key=True)
    lead_id: Mapped[int] = mapped_column(BigInt, ForeignKey("lead.id"), primary_key=True)
    since: Mapped[datetime]


class ScoreRow(Base):
    """A lead's engagement as one pair; `heat = log2 value + as_of / half-life` (NULL where value ≤ 0).

    as_of counts in seconds since 1970; `heat >= log2(T) + now/H` says that engagement is at least T > 0.
    """

    __tablename__ = "score"
    generation: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(BigInt, ForeignKey("lead.id"), primary_key=True)
    value: Mapped[float] = mapped_column(Float)
    as_of: Mapped[datetime]
    heat: Mapped[float | None] = mapped_column(Float)
    __table_args__ = (Index("ix_score_heat", "generation", "heat"),)


class Recheck(Base):
    """When a lead must be looked at again (ladders, entries, segments); a dirty lead is due at once.

    `rev` grows with every marking, so that a mark made while the lead was being looked at is not lost.
    """

    __tablename__ = "recheck"
    lead_id: Mapped[int] = mapped_column(BigInt, ForeignKey("lead.id"), primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    rev: Mapped[int] = mapped_column(default=0)


class Consent(Base):
    """Append-only: consent given for a topic (`*` for all marketing), and its withdrawal."""

    __tablename__ = "consent"
    id: Mapped[Id]
    lead_id: Mapped[LeadId] = mapped_column(index=True)
    topic: Mapped[Word] = mapped_column(default="*")
    given: Mapped[bool]
    basis: Mapped[str]
    text_version: Mapped[str | None]
    how: Mapped[str]
    ip: Mapped[str | None] = mapped_column(String(45))
    at: Mapped[datetime]


class Suppression(Base):
    """An address that must not be mailed; `scope` is `all`, `marketing` or `topic:<slug>`.

    `address_hash` is an HMAC under a key that never rotates; it stays when the person is erased and
    `address` goes.
    """

    __tablename__ = "suppression"
    id: Mapped[Id]
    address_hash: Mapped[Hash]
    address: Mapped[str | None] = mapped_column(String(320))
    scope: Mapped[Word]
    reason: Mapped[Word]
    source: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("address_hash", "scope"),)
