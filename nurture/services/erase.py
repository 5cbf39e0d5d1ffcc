"""A person is forgotten: everything that tells who it was goes, what was counted stays."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from nurture.domain.errors import NotFound
from nurture.net.addresses import normalise
from nurture.services.runtime import Runtime
from nurture.store.audit import AuditNote, record
from nurture.store.messages import suppress_pending
from nurture.store.schema import (
    AuditEntry,
    Consent,
    Decision,
    Due,
    Enrollment,
    EventRow,
    Hit,
    Inbox,
    LadderChange,
    Lead,
    LeadAlias,
    LeadTag,
    Message,
    MessageContent,
    MessageLink,
    OutboxMail,
    Recheck,
    ScoreEntry,
    SegmentMember,
    Suppression,
    Task,
)
from nurture.store.suppressions import NewSuppression, suppress


@dataclass(frozen=True, slots=True)
class Erased:
    """What was forgotten."""

    lead_id: int
    messages: int
    events: int


def erase(runtime: Runtime, address: str, now: datetime, actor: str) -> Erased:
    """Forget the lead with this address: its names, fields, mails, hits and the details of its events.

    The ledgers keep their rows, which name an id that means nobody any more. A suppression stays under an
    HMAC of the address, so that a later import does not mail the person again.

    Raises:
        AddressError: it is no address.
        NotFound: there is no such lead.
    """
    wanted = normalise(address)
    with runtime.write() as session:
        _overwrite_what_goes(session)
        lead = session.scalar(select(Lead).where(Lead.address == wanted))
        if lead is None:
            raise NotFound(f"There is no lead with the address {wanted}.")
        suppress(session, [NewSuppression(wanted, "all", "manual", "erased")], runtime.hash_address, now)
        suppress_pending(session, {lead.id}, "erased", now)
        session.execute(update(Suppression).where(Suppression.address == wanted).values(address=None))
        erased = Erased(lead.id, _forget_mails(session, lead.id, wanted), _forget_facts(session, lead.id))
        _end_passages(session, lead.id, now)
        _forget_person(lead, now)
        record(session, AuditNote(actor, "erased", f"lead:{lead.id}"), now)
        return erased


def _overwrite_what_goes(session: Session) -> None:
    """Have SQLite write zeros where it deletes: otherwise the file goes on holding what no table shows."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA secure_delete=ON")


def _forget_mails(session: Session, lead_id: int, address: str) -> int:
    mine = select(Message.id).where(Message.lead_id == lead_id)
    mids = select(Message.mid).where(Message.lead_id == lead_id)
    session.execute(delete(OutboxMail).where(OutboxMail.mid.in_(mids)))
    session.execute(delete(OutboxMail).where(OutboxMail.recipient == address))
    session.execute(delete(MessageLink).where(MessageLink.message_id.in_(mine)))
    session.execute(delete(MessageContent).where(MessageContent.message_id.in_(mine)))
    session.execute(delete(Hit).where(Hit.message_id.in_(mine)))
    changed = session.execute(
        update(Message)
        .where(Message.lead_id == lead_id)
        .values(address=None, error=None, reason=None, provider_id=None)
    )
    return int(changed.rowcount)  # type: ignore[attr-defined] # An UPDATE gives a CursorResult.


def _forget_facts(session: Session, lead_id: int) -> int:
    session.execute(delete(LeadTag).where(LeadTag.lead_id == lead_id))
    session.execute(delete(SegmentMember).where(SegmentMember.lead_id == lead_id))
    session.execute(delete(Recheck).where(Recheck.lead_id == lead_id))
    session.execute(update(LeadAlias).where(LeadAlias.lead_id == lead_id).values(address=None))
    session.execute(update(Consent).where(Consent.lead_id == lead_id).values(ip=None, how="erased"))
    session.execute(update(Decision).where(Decision.lead_id == lead_id).values(sentence="", values_seen={}))
    session.execute(update(ScoreEntry).where(ScoreEntry.lead_id == lead_id).values(note=""))
    session.execute(update(LadderChange).where(LadderChange.lead_id == lead_id).values(reason=""))
    session.execute(update(AuditEntry).where(AuditEntry.subject == f"lead:{lead_id}").values(detail={}))
    session.execute(update(Inbox).where(Inbox.lead_id == lead_id).values(error=None))
    session.execute(
        update(Task)
        .where(Task.lead_id == lead_id)
        .values(title="", reasons=[], outcome=None, status="closed")
    )
    # The id, a hash of source and external id, stays: a repeat of the event is still the same event.
    changed = session.execute(
        update(EventRow).where(EventRow.lead_id == lead_id).values(data={}, external_id="")
    )
    return int(changed.rowcount)  # type: ignore[attr-defined] # An UPDATE gives a CursorResult.


def _end_passages(session: Session, lead_id: int, now: datetime) -> None:
    session.execute(delete(Due).where(Due.lead_id == lead_id))
    session.execute(
        update(Enrollment)
        .where(Enrollment.lead_id == lead_id, Enrollment.status.in_(("active", "paused")))
        .values(status="exited", reason="erased", ended_at=now)
    )


def _forget_person(lead: Lead, now: datetime) -> None:
    lead.address = lead.first_name = lead.last_name = None
    lead.language = lead.zone = lead.country = None
    lead.company_id = lead.owner_id = None
    lead.search = lead.source = ""
    lead.fields, lead.refused_topics = {}, []
    lead.mailable, lead.not_mailable_because = False, "erased"
    lead.updated_at = lead.erased_at = now
