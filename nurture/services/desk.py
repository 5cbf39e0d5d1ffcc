"""What a person does by hand about sending: stop it, let it go on, and say what became of a mail in doubt."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.errors import ConflictError
from nurture.domain.values import Scalar
from nurture.services import switches
from nurture.services.runtime import Runtime
from nurture.store import audit
from nurture.store.audit import AuditNote
from nurture.store.messages import settle


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts: `actor` for the audit log, `name` for colleagues who wonder who it was."""

    actor: str
    name: str


def stop_sending(runtime: Runtime, reason: str, person: Person, now: datetime) -> None:
    """Let no mail out from now on."""
    switches.stop(runtime, now, person.name, reason)
    _note(runtime, person, "sending-stopped", now, reason=reason)


def let_sending_go_on(runtime: Runtime, person: Person, now: datetime) -> None:
    """Let mail out again."""
    switches.go(runtime, now, person.name)
    _note(runtime, person, "sending-goes-on", now)


def release_restored_backup(runtime: Runtime, person: Person, now: datetime) -> None:
    """Let mail out again after a restore, because somebody has looked at what is due."""
    switches.release_restored(runtime, now, person.name)
    _note(runtime, person, "restore-released", now)


def settle_by_person(
    runtime: Runtime, message_id: int, accepted: bool, person: Person, now: datetime
) -> None:
    """Close the doubt about a message: it was sent, or it was not.

    Raises:
        ConflictError: nobody doubts it any more.
    """
    with runtime.write() as session:
        if not settle(session, message_id, accepted, now, f"{person.name} looked it up at the mailer."):
            raise ConflictError(f"Message {message_id} is not in doubt any more. Load the page again.")
        detail = {"accepted": accepted}
        note = AuditNote(person.actor, "message-settled", f"message:{message_id}", detail)
        audit.record(session, note, now)


def _note(runtime: Runtime, person: Person, action: str, now: datetime, **detail: Scalar) -> None:
    with runtime.write() as session:
        audit.record(session, AuditNote(person.actor, action, "sending", detail), now)
