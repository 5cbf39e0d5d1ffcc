"""Addresses that must not be mailed, and consent: the two halves of `mailable`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, case, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.store.base import chunks
from nurture.store.leads import refresh_mailable
from nurture.store.schema import Consent, Lead, Suppression

HashAddress = Callable[[str], str]
"""An address's name under the key that never rotates: `Runtime.hash_address`."""

COMPLAINT, UNSUBSCRIBE = STICKY = ("complaint", "unsubscribe")
"""Reasons that no import, bounce or person of the house may weaken; the addressee may lift an unsubscribe."""


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """An address to be left alone; `scope` is `all`, `marketing` or `topic:<slug>`."""

    address: str
    scope: str
    reason: str
    source: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewConsent:
    """Consent that a lead gave (or took back) for a topic, `*` for all marketing."""

    lead_id: int
    how: str
    topic: str = "*"
    given: bool = True
    basis: str = "consent"
    text_version: str | None = None
    ip: str | None = None


def suppress(
    session: Session, entries: Sequence[NewSuppression], hash_address: HashAddress, now: datetime
) -> set[int]:
    """Write suppressions and bring `mailable` in line; returns the leads concerned.

    One row per address and scope: a repeat keeps the first time and a stickier reason, and never
    shortens. The caller suppresses what these leads still have in the outbox
    (`store.messages.suppress_pending`) in the same transaction.
    """
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = upsert(Suppression)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=[Suppression.address_hash, Suppression.scope],
        set_={
            "address": new.address,
            "reason": case(
                (or_(Suppression.reason == COMPLAINT, new.reason == COMPLAINT), COMPLAINT),
                (Suppression.reason == UNSUBSCRIBE, UNSUBSCRIBE),
                else_=new.reason,
            ),
            "expires_at": case(
                (or_(new.expires_at.is_(None), Suppression.expires_at.is_(None)), None),
                (new.expires_at > Suppression.expires_at, new.expires_at),
                else_=Suppression.expires_at,
            ),
        },
    )
    unique = {(entry.address, entry.scope): entry for entry in entries}
    for batch in chunks(unique.values()):
        session.execute(statement, [_row(entry, hash_address, now) for entry in batch])
    leads = leads_at(session, {entry.address for entry in entries})
    refresh_mailable(session, leads, now)
    return leads


def _row(entry: NewSuppression, hash_address: HashAddress, now: datetime) -> dict[str, object]:
    return {
        "address_hash": hash_address(entry.address),
        "address": entry.address,
        "scope": entry.scope,
        "reason": entry.reason,
        "source": entry.source,
        "at": now,
        "expires_at": entry.expires_at,
    }


def lift(session: Session, address: str, scopes: Iterable[str], now: datetime) -> set[int]:
    """Take suppressions of an address back, except complaints; returns the leads concerned.

    Only the addressee itself may lift an unsubscribe: callers make sure that it is.
    """
    session.execute(
        delete(Suppression).where(
            Suppression.address == address,
            Suppression.scope.in_(list(scopes)),
            Suppression.reason != COMPLAINT,
        )
    )
    leads = leads_at(session, {address})
    refresh_mailable(session, leads, now)
    return leads


def scopes_of(session: Session, address: str, now: datetime) -> dict[str, str]:
    """What an address is suppressed for, and why: scope → reason."""
    alive = or_(Suppression.expires_at.is_(None), Suppression.expires_at > now)
    rows = session.execute(
        select(Suppression.scope, Suppression.reason).where(Suppression.address == address, alive)
    )
    return {row.scope: row.reason for row in rows}


def recognise(session: Session, addresses: Iterable[str], hash_address: HashAddress) -> None:
    """Give suppressions of erased people their address back when it comes in again.

    Every place that creates leads calls this for the new addresses before `refresh_mailable`.
    """
    statement = (
        update(Suppression)
        .where(and_(Suppression.address_hash == bindparam("hashed"), Suppression.address.is_(None)))
        .values(address=bindparam("returned"))
        .execution_options(synchronize_session=False)
    )
    if session.scalar(select(Suppression.id).where(Suppression.address.is_(None)).limit(1)) is None:
        return
    for batch in chunks(addresses):
        rows = [{"hashed": hash_address(address), "returned": address} for address in batch]
        session.connection().execute(statement, rows)


def record_consents(session: Session, consents: Sequence[NewConsent], now: datetime) -> None:
    """Append to the consent ledger and bring `mailable` in line."""
    rows = [
        {
            "lead_id": consent.lead_id,
            "topic": consent.topic,
            "given": consent.given,
            "basis": consent.basis,
            "text_version": consent.text_version,
            "how": consent.how,
            "ip": consent.ip,
            "at": now,
        }
        for consent in consents
    ]
    for batch in chunks(rows):
        session.execute(insert(Consent), batch)
    refresh_mailable(session, {consent.lead_id for consent in consents}, now)


def leads_at(session: Session, addresses: Iterable[str]) -> set[int]:
    """The leads with these addresses."""
    found: set[int] = set()
    for batch in chunks(addresses):
        found.update(session.scalars(select(Lead.id).where(Lead.address.in_(batch))))
    return found
