"""The outbox: one row per message, from planning to its end."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from nurture.store.base import Base, BigInt, Id, Word


class Message(Base):
    """One e-mail to one address.

    `state` is pending, claimed, sending, sent, failed, unconfirmed, suppressed or cancelled; `reception`
    what became of it at the receiver. `due_at` and `not_after` are business time; `lease_until` and
    `sending_at` are the database's clock. `mid` is the public, unguessable name of the message, also the
    local part of its Message-ID.
    """

    __tablename__ = "message"
    id: Mapped[Id]
    mid: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[Word] = mapped_column(default="campaign")
    lead_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("lead.id"))
    user_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("user.id"))
    address: Mapped[str | None] = mapped_column(String(320))
    enrollment_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("enrollment.id"))
    campaign_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("campaign.id"))
    step: Mapped[str | None] = mapped_column(String(64))
    occurrence: Mapped[int] = mapped_column(default=0)
    dedupe_key: Mapped[str | None] = mapped_column(String(128))
    topic: Mapped[Word | None]
    template_version_id: Mapped[str | None] = mapped_column(String(64), ForeignKey("template_version.id"))
    piece: Mapped[str | None] = mapped_column(String(128))
    identity: Mapped[Word] = mapped_column(default="default")
    priority: Mapped[int] = mapped_column(default=50)
    state: Mapped[str] = mapped_column(String(16), default="pending")
    reason: Mapped[str | None]
    reception: Mapped[str | None] = mapped_column(String(16))
    planned_at: Mapped[datetime]
    due_at: Mapped[datetime]
    not_after: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    claim_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    sending_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    provider: Mapped[str | None] = mapped_column(String(32))
    provider_id: Mapped[str | None] = mapped_column(String(255), index=True)
    error: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("enrollment_id", "step", "occurrence"),
        UniqueConstraint("kind", "dedupe_key"),
        Index(
            "ix_message_pending",
            text("priority DESC"),
            "due_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_message_open",
            "state",
            "lease_until",
            sqlite_where=text("state IN ('claimed', 'sending', 'unconfirmed')"),
            postgresql_where=text("state IN ('claimed', 'sending', 'unconfirmed')"),
        ),
        Index(
            "ix_message_sent_at",
            "sent_at",
            sqlite_where=text("sent_at IS NOT NULL"),
            postgresql_where=text("sent_at IS NOT NULL"),
        ),
        Index(
            "ix_message_not_sent",
            "state",
            "id",
            sqlite_where=text("state IN ('failed', 'suppressed', 'cancelled')"),
            postgresql_where=text("state IN ('failed', 'suppressed', 'cancelled')"),
        ),
        Index("ix_message_lead_planned", "lead_id", "planned_at"),
        Index("ix_message_campaign_state", "campaign_id", "state"),
    )


class MessageContent(Base):
    """The merge values and the `now` a message was rendered with: with its template version, the mail itself.

    `subject` and `headers` are those that went out.
    """

    __tablename__ = "message_content"
    message_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("message.id"), primary_key=True, autoincrement=False
    )
    merge: Mapped[dict[str, Any]]
    subject: Mapped[str]
    rendered_at: Mapped[datetime]


class MessageLink(Base):
    """A link target that depends on the lead, with its scheme and host fixed when it was rendered."""

    __tablename__ = "message_link"
    message_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("message.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    target: Mapped[str]


class OutboxMail(Base):
    """A mail that the built-in outbox mailer keeps instead of sending it: the whole RFC 5322 message."""

    __tablename__ = "outbox_mail"
    id: Mapped[Id]
    mid: Mapped[str] = mapped_column(String(32), unique=True)
    at: Mapped[datetime]
    sender: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class Bucket(Base):
    """The token bucket of one mailer, shared by all workers; `stamp` is the database's clock."""

    __tablename__ = "bucket"
    mailer: Mapped[str] = mapped_column(String(64), primary_key=True)
    tokens: Mapped[float] = mapped_column(Float)
    stamp: Mapped[datetime]
    refused_until: Mapped[datetime | None]
    stopped_because: Mapped[str | None]
    doubts: Mapped[int] = mapped_column(default=0)
