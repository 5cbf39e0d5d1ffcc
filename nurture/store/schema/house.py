"""The house itself: users, tasks, switches, leases and heartbeats."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from nurture.store.base import Base, BigInt, Hash, Id, LeadId, Word


class User(Base):
    """Somebody who works with Nurture; `role` is viewer, editor, sender or admin."""

    __tablename__ = "user"
    id: Mapped[Id]
    address: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(default="")
    role: Mapped[Word]
    password_hash: Mapped[str | None]
    totp_secret: Mapped[str | None]
    totp_last_step: Mapped[int] = mapped_column(BigInt, default=0)
    recovery_hashes: Mapped[list[Any]] = mapped_column(default=list)
    zone: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(35))
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class SignIn(Base):
    """A session on the server; the browser holds a random id of which only the hash is kept."""

    __tablename__ = "sign_in"
    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("user.id"), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ip: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class UserToken(Base):
    """A password reset or invitation that works once; only its hash is kept."""

    __tablename__ = "user_token"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInt, ForeignKey("user.id"), index=True)
    purpose: Mapped[Word]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginAttempt(Base):
    """Failed log-ins per account and per address of the network, to slow guessing down."""

    __tablename__ = "login_attempt"
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    failures: Mapped[int]
    window_start: Mapped[datetime]


class Task(Base):
    """Something a person has to do about a lead: the hand-off."""

    __tablename__ = "task"
    id: Mapped[Id]
    lead_id: Mapped[LeadId] = mapped_column(index=True)
    kind: Mapped[Word]
    owner_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("user.id"), index=True)
    enrollment_id: Mapped[int | None] = mapped_column(BigInt)
    dedupe_key: Mapped[str] = mapped_column(String(128), unique=True)
    title: Mapped[str]
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    status: Mapped[Word] = mapped_column(default="open")
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class Setting(Base):
    """Small named facts of this installation: the stop switch, the restore hold, the instance's epoch."""

    __tablename__ = "setting"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class Lease(Base):
    """Who may run the control jobs: a lease by the database's clock, with an epoch that only grows."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[Hash]
    epoch: Mapped[int] = mapped_column(BigInt)
    until: Mapped[datetime]


class Heartbeat(Base):
    """When each fixed job last ran, by the database's clock, and how it went."""

    __tablename__ = "heartbeat"
    job: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    every_seconds: Mapped[int]
    took_ms: Mapped[int]
    error: Mapped[str | None]


class AuditEntry(Base):
    """Append-only: what people did in the app or on the command line."""

    __tablename__ = "audit_entry"
    id: Mapped[Id]
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[Word]
    subject: Mapped[str] = mapped_column(default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ip: Mapped[str | None] = mapped_column(String(45))
    __table_args__ = (Index("ix_audit_entry_at", "at"),)
