"""Events by which an address says, or a server says for it, that it is not to be mailed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from nurture.domain.events import Event, EventKind
from nurture.domain.values import LeadView
from nurture.store.base import chunks
from nurture.store.events import events_of
from nurture.store.messages import suppress_pending
from nurture.store.schema import Message
from nurture.store.suppressions import HashAddress, NewSuppression, suppress

MARKETING = "marketing"


def heed_refusals(
    session: Session,
    events: Iterable[Event],
    leads: Mapping[int, LeadView],
    hash_address: HashAddress,
    now: datetime,
) -> None:
    """Suppress the addresses that complained, unsubscribed or do not exist, and what is still to go to them.

    What a lead asked for again after it had unsubscribed is left alone.
    """
    refusals = [event for event in events if _scope(event) is not None]
    if not refusals:
        return
    returned = _returned(session, {event.lead_id for event in refusals})
    addresses = _addresses(session, refusals, leads)
    by_scope: defaultdict[str, list[NewSuppression]] = defaultdict(list)
    for event in refusals:
        scope, address = str(_scope(event)), addresses.get(event.id)
        if address and not _was_taken_back(event, returned.get((event.lead_id, scope))):
            by_scope[scope].append(NewSuppression(address, scope, _REASONS[event.kind], "event"))
    for scope, suppressions in by_scope.items():
        concerned = suppress(session, suppressions, hash_address, now)
        topic = scope.removeprefix("topic:") if scope.startswith("topic:") else None
        suppress_pending(session, concerned, _WORDS[suppressions[0].reason], now, topic=topic)


def _was_taken_back(event: Event, asked_again: datetime | None) -> bool:
    """Whether the lead, having unsubscribed, asked for it again."""
    return event.kind == EventKind.UNSUBSCRIBED and asked_again is not None and asked_again >= event.at


_REASONS = {
    EventKind.EMAIL_COMPLAINED.value: "complaint",
    EventKind.EMAIL_BOUNCED.value: "hard_bounce",
    EventKind.UNSUBSCRIBED.value: "unsubscribe",
}
_WORDS = {"complaint": "complained", "hard_bounce": "bounced", "unsubscribe": "unsubscribed"}


def _scope(event: Event) -> str | None:
    """What the event refuses: everything, marketing or a topic; `None` where it refuses nothing."""
    match event.kind:
        case EventKind.EMAIL_COMPLAINED:
            return "all"
        case EventKind.EMAIL_BOUNCED:
            return "all" if event.data.get("bounce") == "hard" else None
        case EventKind.UNSUBSCRIBED:
            return str(event.data.get("scope") or MARKETING)
        case _:
            return None


def _returned(session: Session, leads: Iterable[int]) -> dict[tuple[int, str], datetime]:
    """When each lead last asked for a scope again, processed or not."""
    found = events_of(session, leads, [EventKind.RESUBSCRIBED])
    return {
        (event.lead_id, str(event.data.get("scope") or MARKETING)): event.at
        for events in found.values()
        for event in events
    }


def _addresses(session: Session, events: Iterable[Event], leads: Mapping[int, LeadView]) -> dict[int, str]:
    """The address that each event is about: the message's, since the lead's may have changed meanwhile."""
    known = list(events)
    written_to: dict[int, str | None] = {}
    for ids in chunks({event.message_id for event in known if event.message_id is not None}):
        rows = session.execute(select(Message.id, Message.address).where(Message.id.in_(ids)))
        written_to |= {row.id: row.address for row in rows}
    return {
        event.id: address
        for event in known
        if (address := written_to.get(event.message_id or 0) or _address_of(leads.get(event.lead_id)))
    }


def _address_of(lead: LeadView | None) -> str:
    return lead.address if lead is not None else ""
