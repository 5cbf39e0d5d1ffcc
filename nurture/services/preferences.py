"""What a lead says about its mail, effective at once: unsubscribe, topics, less often, a pause."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from nurture.domain.definition.organisation import Organisation
from nurture.domain.errors import NotFound
from nurture.domain.events import EventKind
from nurture.services.house import load_house
from nurture.services.runtime import Runtime
from nurture.store.enrollments import wake_leads
from nurture.store.events import NewEvent, record_events
from nurture.store.leads import mark_dirty
from nurture.store.messages import suppress_pending
from nurture.store.schema import Campaign, Lead, LeadAlias, Message
from nurture.store.suppressions import (
    STICKY,
    NewConsent,
    NewSuppression,
    lift,
    record_consents,
    scopes_of,
    suppress,
)

PAUSE = timedelta(days=30)
MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Origin:
    """How a wish reached us, for the ledgers: by which door and from which network address."""

    how: str
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """One topic as the preferences page shows it."""

    slug: str
    name: str
    description: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class Preferences:
    """Everything that the preferences page shows."""

    lead_id: int
    address: str
    language: str | None
    sender: str
    topics: tuple[TopicChoice, ...]
    subscribed: bool
    complained: bool
    less_often: bool
    paused_until: datetime | None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the page was sent back with."""

    topics: frozenset[str]
    less_often: bool
    pause: bool
    nothing: bool


def unsubscribe_by_message(runtime: Runtime, message_id: int, origin: Origin, now: datetime) -> int | None:
    """End all marketing to whom this message went to, at that address and at the lead's present one.

    Returns the lead, where there still is one. Doing it again changes nothing.

    Raises:
        NotFound: there is no such message.
    """
    with runtime.write() as session:
        message = session.get(Message, message_id)
        if message is None:
            raise NotFound(f"There is no message {message_id}.")
        lead = _addressee(session, message)
        addresses = {message.address, lead.address if lead else None} - {None}
        lead_id = lead.id if lead else None
        refusal = _Refusal(frozenset(map(str, addresses)), lead_id, (MARKETING,), message)
        _refuse(session, runtime, refusal, origin, now)
        return lead_id


def language_of_reader(runtime: Runtime, message_id: int) -> str | None:
    """The language of whom a message went to, where it is known."""
    with runtime.read() as session:
        return session.scalar(
            select(Lead.language)
            .join(Message, Message.lead_id == Lead.id)
            .where(Message.id == message_id, Message.kind == "campaign")
        )


def preferences_of(runtime: Runtime, lead_id: int, now: datetime) -> Preferences:
    """What a lead may choose from, and has chosen.

    Raises:
        NotFound: the lead is gone, and was not merged into another.
    """
    with runtime.read() as session:
        lead = _known(session.get(Lead, _merged_into(session, lead_id)), lead_id)
        return _preferences(session, lead, load_house(session).organisation, now)


def choose(runtime: Runtime, lead_id: int, wishes: Wishes, origin: Origin, now: datetime) -> Preferences:
    """Carry a lead's wishes out, and return what holds now.

    Asking for a topic again takes an unsubscribe back; wanting none of the topics is an unsubscribe. A
    complaint stays, whatever is asked for.

    Raises:
        NotFound: the lead is gone, and was not merged into another.
    """
    with runtime.write() as session:
        lead = _known(_held(session, lead_id), lead_id)
        organisation = load_house(session).organisation
        topics = frozenset(topic.slug for topic in organisation.topics)
        wanted = topics & wishes.topics
        if wishes.nothing or (topics and not wanted):
            _refuse(session, runtime, _refusal_of(lead, [MARKETING]), origin, now)
        else:
            refused = [f"topic:{slug}" for slug in sorted(topics - wanted)]
            _accept(session, lead, wanted, origin, now)
            _refuse(session, runtime, _refusal_of(lead, refused), origin, now)
        if not wishes.nothing:
            _pace(session, lead, wishes, now)
        mark_dirty(session, [lead.id], now)
        wake_leads(session, [lead.id], now)
        session.refresh(lead)
        return _preferences(session, lead, organisation, now)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Addresses that want no more of some scopes, and the message they said so by."""

    addresses: frozenset[str]
    lead_id: int | None
    scopes: tuple[str, ...]
    message: Message | None = None


def _refusal_of(lead: Lead, scopes: Iterable[str]) -> _Refusal:
    return _Refusal(frozenset({lead.address or ""}), lead.id, tuple(scopes))


def _refuse(session: Session, runtime: Runtime, refusal: _Refusal, origin: Origin, now: datetime) -> None:
    entries = [
        NewSuppression(address, scope, "unsubscribe", origin.how)
        for address in sorted(refusal.addresses)
        for scope in _not_refused_yet(session, address, refusal.scopes, now)
    ]
    if not entries:
        return
    leads = suppress(session, entries, runtime.hash_address, now)
    fresh = list(dict.fromkeys(entry.scope for entry in entries))
    for scope in fresh:
        suppress_pending(session, leads, "unsubscribed", now, topic=_topic(scope))
    if refusal.lead_id is None:
        return
    consents = [
        NewConsent(refusal.lead_id, origin.how, _topic(scope) or "*", given=False, ip=origin.ip)
        for scope in fresh
    ]
    record_consents(session, consents, now)
    _record(session, EventKind.UNSUBSCRIBED, refusal, fresh, now)
    mark_dirty(session, [refusal.lead_id], now)
    wake_leads(session, [refusal.lead_id], now)


def _not_refused_yet(session: Session, address: str, scopes: Iterable[str], now: datetime) -> list[str]:
    """A suppression that the house may lift again is no answer to somebody who says so for good."""
    held = scopes_of(session, address, now)
    return [scope for scope in scopes if held.get(scope) not in STICKY]


def _accept(session: Session, lead: Lead, topics: Iterable[str], origin: Origin, now: datetime) -> None:
    """Take back what the lead itself has refused; what we know of the address besides is not its to say."""
    held = scopes_of(session, lead.address or "", now)
    wanted = [*(f"topic:{slug}" for slug in sorted(topics)), MARKETING]
    returning = [scope for scope in wanted if held.get(scope) == "unsubscribe"]
    if not returning:
        return
    lift(session, lead.address or "", returning, now)
    consents = [NewConsent(lead.id, origin.how, _topic(scope) or "*", ip=origin.ip) for scope in returning]
    record_consents(session, consents, now)
    _record(session, EventKind.RESUBSCRIBED, _refusal_of(lead, ()), returning, now)


def _pace(session: Session, lead: Lead, wishes: Wishes, now: datetime) -> None:
    until = _pause_of(lead, now) or now + PAUSE
    values = {
        "less_often": wishes.less_often,
        "paused_until": until if wishes.pause else None,
        "updated_at": now,
    }
    session.execute(update(Lead).where(Lead.id == lead.id).values(values))


def _record(
    session: Session, kind: EventKind, refusal: _Refusal, scopes: Collection[str], now: datetime
) -> None:
    message = refusal.message
    campaign = session.get(Campaign, message.campaign_id) if message and message.campaign_id else None
    events = [
        NewEvent(
            source="preferences",
            external_id=f"{refusal.lead_id}:{kind}:{scope}:{now.isoformat()}",
            lead_id=refusal.lead_id or 0,
            kind=kind,
            at=now,
            message_id=message.id if message else None,
            enrollment_id=message.enrollment_id if message else None,
            campaign=campaign.slug if campaign else None,
            step=message.step if message else None,
            data={"scope": scope},
        )
        for scope in scopes
    ]
    record_events(session, events, now)


def _preferences(session: Session, lead: Lead, organisation: Organisation, now: datetime) -> Preferences:
    scopes = scopes_of(session, lead.address or "", now)
    subscribed = not {MARKETING, "all"} & scopes.keys()
    return Preferences(
        lead_id=lead.id,
        address=lead.address or "",
        language=lead.language,
        sender=organisation.name,
        topics=tuple(
            TopicChoice(
                topic.slug,
                topic.name,
                topic.description,
                wanted=subscribed and f"topic:{topic.slug}" not in scopes,
            )
            for topic in organisation.topics
        ),
        subscribed=subscribed,
        complained="complaint" in scopes.values(),
        less_often=lead.less_often,
        paused_until=_pause_of(lead, now),
    )


def _pause_of(lead: Lead, now: datetime) -> datetime | None:
    """Until when the lead wants nothing; a pause that is over is none."""
    return lead.paused_until if lead.paused_until and lead.paused_until > now else None


def _addressee(session: Session, message: Message) -> Lead | None:
    """The lead that a campaign's message went to, held; a test mail shows a lead, but goes to us."""
    if message.kind != "campaign" or message.lead_id is None:
        return None
    lead = _held(session, message.lead_id)
    return None if lead is None or lead.address is None else lead


def _held(session: Session, lead_id: int) -> Lead | None:
    """The lead, locked: two wishes at once, as from a program that asks twice, are carried out in turn."""
    return session.get(Lead, _merged_into(session, lead_id), with_for_update={"key_share": True})


def _merged_into(session: Session, lead_id: int) -> int:
    """The lead that this one goes on in; itself, where it was not merged."""
    seen: set[int] = set()
    while lead_id not in seen:
        seen.add(lead_id)
        lead_id = session.scalar(select(LeadAlias.lead_id).where(LeadAlias.old_id == lead_id)) or lead_id
    return lead_id


def _known(lead: Lead | None, lead_id: int) -> Lead:
    if lead is None or lead.address is None:
        raise NotFound(f"There is no lead {lead_id}.")
    return lead


def _topic(scope: str) -> str | None:
    return scope.removeprefix("topic:") if scope.startswith("topic:") else None
