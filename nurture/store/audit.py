"""The audit log: what people did in the app or on the command line, only ever added to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.values import Scalar
from nurture.store.schema import AuditEntry


@dataclass(frozen=True, slots=True)
class AuditNote:
    """Who did what to what: `actor` is `user:<id>` or `cli`, `subject` such as `campaign:welcome`."""

    actor: str
    action: str
    subject: str = ""
    detail: Mapping[str, Scalar] = field(default_factory=dict)
    ip: str | None = None

    @classmethod
    def by_user(cls, user_id: int, action: str, ip: str | None = None, **detail: Scalar) -> "AuditNote":
        """Something that a user did to the own account."""
        return cls(f"user:{user_id}", action, f"user:{user_id}", detail, ip)


def record(session: Session, note: AuditNote, now: datetime) -> None:
    """Add one line to the audit log, in the transaction of what it is about."""
    session.add(
        AuditEntry(
            at=now,
            actor=note.actor,
            action=note.action,
            subject=note.subject,
            detail=dict(note.detail),
            ip=note.ip,
        )
    )
