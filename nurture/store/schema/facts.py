"""The ledgers: events, verdicts, score entries, ladder changes and decisions. They name leads by id only."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from nurture.store.base import Base, Big, BigInt, Id, Word


class RawItem(Base):
    """A webhook body or inbound mail as it came, compressed; stored before it is answered."""

    __tablename__ = "raw_item"
    id: Mapped[Id]
    source: Mapped[Word]
    received_at: Mapped[datetime]
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[Word] = mapped_column(default="new")
    error: Mapped[str | None]
    processed_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "ix_raw_item_new",
            "id",
            sqlite_where=text("status = 'new'"),
            postgresql_where=text("status = 'new'"),
        ),
    )


class Hit(Base):
    """One request for a tracking address, as it came; judged only after `settle_at`, when a burst is over.

    `kind` is a word of `domain.engagement.HitKind`, `link` the number of the link, `event_id` the event that
    was made of it.
    """

    __tablename__ = "hit"
    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(BigInt, index=True)
    kind: Mapped[Word]
    link: Mapped[int | None]
    method: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]
    ip: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    settle_at: Mapped[datetime]
    verdict: Mapped[str | None] = mapped_column(String(16))
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    event_id: Mapped[int | None] = mapped_column(BigInt)
    __table_args__ = (
        Index(
            "ix_hit_unsettled",
            "settle_at",
            sqlite_where=text("verdict IS NULL"),
            postgresql_where=text("verdict IS NULL"),
        ),
        Index("ix_hit_ip_at", "ip", "at"),
    )


class EventRow(Base):
    """An immutable fact. `id` is the 64-bit hash of (source, external id), so a repeat is the same row.

    `verdict` is the newest of `verdict_change`; everything else is never changed.
    """

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    lead_id: Mapped[int] = mapped_column(BigInt)
    kind: Mapped[Word]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    source: Mapped[Word]
    external_id: Mapped[str]
    verdict: Mapped[str | None] = mapped_column(String(16))
    message_id: Mapped[int | None] = mapped_column(BigInt, index=True)
    enrollment_id: Mapped[int | None] = mapped_column(BigInt)
    campaign: Mapped[str | None] = mapped_column(String(128))
    step: Mapped[str | None] = mapped_column(String(64))
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    __table_args__ = (Index("ix_event_lead_at", "lead_id", "at"), Index("ix_event_kind_at", "kind", "at"))


class VerdictChange(Base):
    """Append-only: what was thought of an open or click, when and why."""

    __tablename__ = "verdict_change"
    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(BigInt, index=True)
    verdict: Mapped[str] = mapped_column(String(16))
    reasons: Mapped[list[Any]]
    at: Mapped[datetime]


class Inbox(Base):
    """Events that wait to be processed; the row goes in the transaction that holds all their effects.

    A revised verdict puts its event here again. `at` is the event's: the oldest is processed first.
    """

    __tablename__ = "inbox"
    event_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("event.id"), primary_key=True, autoincrement=False
    )
    lead_id: Mapped[int] = mapped_column(BigInt, index=True)
    at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    __table_args__ = (Index("ix_inbox_at", "at", "event_id"),)


class Generation(Base):
    """One set of scoring rules with its half-life; exactly one is active."""

    __tablename__ = "generation"
    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[Word]
    rules: Mapped[dict[str, Any]]
    half_life_seconds: Mapped[int] = mapped_column(BigInt)
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
    built_to_lead: Mapped[int] = mapped_column(BigInt, default=0)


class ScoreEntry(Base):
    """One change of a score with its cause and arithmetic: `net = raw - cut`; a reversal negates another."""

    __tablename__ = "score_entry"
    id: Mapped[Id]
    generation: Mapped[int]
    lead_id: Mapped[int] = mapped_column(BigInt)
    rule: Mapped[Word]
    dedupe_key: Mapped[Word]
    seq: Mapped[int]
    event_id: Mapped[int | None] = mapped_column(BigInt)
    reverses: Mapped[int | None] = mapped_column(BigInt)
    raw: Mapped[float] = mapped_column(Float)
    cut: Mapped[float] = mapped_column(Float)
    net: Mapped[float] = mapped_column(Float)
    note: Mapped[str] = mapped_column(default="")
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("generation", "lead_id", "rule", "dedupe_key", "seq"),
        Index("ix_score_entry_lead", "lead_id", "generation", "effective_at"),
    )


class LadderChange(Base):
    """Append-only: every move on either ladder (`lifecycle` or `stage`) with its reason and actor."""

    __tablename__ = "ladder_change"
    id: Mapped[Id]
    lead_id: Mapped[int] = mapped_column(BigInt)
    ladder: Mapped[Word]
    from_: Mapped[Word | None] = mapped_column("from")
    to: Mapped[Word]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    rule: Mapped[Word]
    reason: Mapped[str] = mapped_column(default="")
    actor: Mapped[str] = mapped_column(default="nurture")
    event_id: Mapped[int | None] = mapped_column(BigInt)
    pinned_until: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_ladder_change_lead", "lead_id", "at"),
        Index("ix_ladder_change_at", "ladder", "at"),
    )


class Decision(Base):
    """Why a lead was or was not sent something: one row per decision, with the values it saw.

    `outcome` is a word such as `queued`, `waits`, `later`, `blocked`, `holdout`, `branched`, `exited`;
    `reason` the word for why (`budget`, `window`, `no_piece`, `unsubscribed` …); `sentence` says it.
    """

    __tablename__ = "decision"
    id: Mapped[Id]
    at: Mapped[datetime]
    lead_id: Mapped[int] = mapped_column(BigInt)
    enrollment_id: Mapped[int | None] = mapped_column(BigInt, index=True)
    campaign: Mapped[str | None] = mapped_column(String(128))
    step: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[Big | None]
    outcome: Mapped[Word]
    reason: Mapped[Word] = mapped_column(default="")
    sentence: Mapped[str] = mapped_column(default="")
    values_seen: Mapped[dict[str, Any]] = mapped_column(default=dict)
    next_at: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_decision_lead", "lead_id", "at"),
        Index("ix_decision_campaign_at", "campaign", "at"),
    )
