"""A person says what became of a message of which nobody knew whether it was sent."""

from datetime import datetime

from nurture.domain.errors import ConflictError
from nurture.services.runtime import Runtime
from nurture.store import audit
from nurture.store.audit import AuditNote
from nurture.store.messages import settle


def settle_by_person(runtime: Runtime, message_id: int, accepted: bool, now: datetime, actor: str) -> None:
    """Close the doubt: it was sent, or it was not.

    Raises:
        ConflictError: nobody doubts it any more.
    """
    with runtime.write() as session:
        if not settle(session, message_id, accepted, now, f"{actor} looked it up at the mailer."):
            raise ConflictError(f"Message {message_id} is not in doubt any more. Load the page again.")
        detail = {"accepted": accepted}
        audit.record(session, AuditNote(actor, "message-settled", f"message:{message_id}", detail), now)
