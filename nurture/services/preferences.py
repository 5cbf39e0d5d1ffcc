"""What a lead says about its mail, effective at once: unsubscribe, topics, less often, a pause."""

from collections.abc import Iterable
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
from nurture.store.schema import Lead, LeadAlias, Message
from nurture.store.suppressions import NewConsent, NewSuppression, lift, record_consents, scopes_of, suppress

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
    """End all marketing to the address that this message went to; returns the lead, where it still is one.

    Doing it again changes nothing.

    Raises:
        NotFound: there is no such message.
    """
    with runtime.write() as session:
        message = session.get(Message, message_id)
        if message is None:
            raise NotFound(f"There is no message {message_id}.")
        if message.address is None:
            return None
        lead = session.get(Lead, message.lead_id) if message.lead_id else None
        lead_id = None if lead is None or lead.erased_at else lead.id
        _refuse(session, runtime, _Refusal(message.address, lead_id, (MARKETING,), message), origin, now)
        return lead_id


def preferences_of(runtime: Runtime, lead_id: int, now: datetime) -> Preferences:
    """What a lead may choose from, and has chosen.

    Raises:
        NotFound: the lead is gone, and was not merged into another.
    """
    with runtime.read() as session:
        lead = _lead(session, lead_id)
        organisation = load_house(session).organisation
        return _preferences(lead, organisation, scopes_of(session, lead.address or "", now))


def choose(runtime: Runtime, lead_id: int, wishes: Wishes, origin: Origin, now: datetime) -> Preferences:
    """Carry a lead's wishes out, and return what holds now.

    Asking for a topic again takes an unsubscribe back; a complaint stays, whatever is asked for.

    Raises:
        NotFound: the lead is gone, and was not merged into another.
    """
    with runtime.write() as session:
        lead = _lead(session, lead_id)
        organisation = load_house(session).organisation
        topics = {topic.slug for topic in organisation.topics}
        address = lead.address or ""
        if wishes.nothing:
            _refuse(session, runtime, _Refusal(address, lead.id, (MARKETING,)), origin, now)
        else:
            refused = tuple(f"topic:{slug}" for slug in sorted(topics - wishes.topics))
            _accept(session, lead, topics & wishes.topics, origin, now)
            _refuse(session, runtime, _Refusal(address, lead.id, refused), origin, now)
            _pace(session, lead, wishes, now)
        mark_dirty(session, [lead.id], now)
        wake_leads(session, [lead.id], now)
        session.refresh(lead)
        return _preferences(lead, organisation, scopes_of(session, address, now))


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An address that wants no more of some scopes, and the message it said so by."""

    address: str
    lead_id: int | None
    scopes: tuple[str, ...]
    message: Message | None = None


def _refuse(session: Session, runtime: Runtime, refusal: _Refusal, origin: Origin, now: datetime) -> None:
    held = scopes_of(session, refusal.address, now)
    fresh = [scope for scope in refusal.scopes if scope not in held]
    entries = [NewSuppression(refusal.address, scope, "unsubscribe", origin.how) for scope in fresh]
    leads = suppress(session, entries, runtime.hash_address, now)
    for scope in fresh:
        suppress_pending(session, leads, "unsubscribed", now, topic=_topic(scope))
    if refusal.lead_id is None or not fresh:
        return
    record_consents(
        session,
        [NewConsent(refusal.lead_id, origin.how, _topic(s) or "*", given=False, ip=origin.ip) for s in fresh],
        now,
    )
    _record(session, EventKind.UNSUBSCRIBED, refusal, fresh, now)
    mark_dirty(session, [refusal.lead_id], now)
    wake_leads(session, [refusal.lead_id], now)


def _accept(session: Session, lead: Lead, topics: Iterable[str], origin: Origin, now: datetime) -> None:
    held = scopes_of(session, lead.address or "", now)
    wanted = [*(f"topic:{slug}" for slug in sorted(topics)), MARKETING]
    returning = [scope for scope in wanted if held.get(scope) not in (None, "complaint")]
    if not returning:
        return
    lift(session, lead.address or "", returning, now)
    record_consents(
        session, [NewConsent(lead.id, origin.how, _topic(s) or "*", ip=origin.ip) for s in returning], now
    )
    _record(session, EventKind.RESUBSCRIBED, _Refusal(lead.address or "", lead.id, ()), returning, now)


def _pace(session: Session, lead: Lead, wishes: Wishes, now: datetime) -> None:
    keeps_pause = lead.paused_until if lead.paused_until and lead.paused_until > now else now + PAUSE
    values = {
        "less_often": wishes.less_often,
        "paused_until": keeps_pause if wishes.pause else None,
        "updated_at": now,
    }
    session.execute(update(Lead).where(Lead.id == lead.id).values(values))


def _record(
    session: Session, kind: EventKind, refusal: _Refusal, scopes: Iterable[str], now: datetime
) -> None:
    message = refusal.message
    events = [
        NewEvent(
            source="preferences",
            external_id=f"{refusal.lead_id}:{kind}:{scope}:{now.isoformat()}",
            lead_id=refusal.lead_id or 0,
            kind=kind,
            at=now,
            message_id=message.id if message else None,
            enrollment_id=message.enrollment_id if message else None,
            step=message.step if message else None,
            data={"scope": scope},
        )
        for scope in scopes
    ]
    record_events(session, events, now)


def _preferences(lead: Lead, organisation: Organisation, scopes: dict[str, str]) -> Preferences:
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
        paused_until=lead.paused_until,
    )


def _lead(session: Session, lead_id: int) -> Lead:
    """The lead, or the one it was merged into."""
    merged_into = session.scalar(select(LeadAlias.lead_id).where(LeadAlias.old_id == lead_id))
    lead = session.get(Lead, merged_into or lead_id)
    if lead is None or lead.address is None:
        raise NotFound(f"There is no lead {lead_id}.")
    return lead


def _topic(scope: str) -> str | None:
    return scope.removeprefix("topic:") if scope.startswith("topic:") else None
