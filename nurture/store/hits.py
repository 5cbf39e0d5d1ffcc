"""Hits: requests for tracking addresses, kept as they came and judged when their burst is over."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from nurture.domain.engagement import SETTLES_AFTER, HitKind
from nurture.domain.events import Verdict
from nurture.store.base import chunks
from nurture.store.schema import Campaign, Hit, Message, MessageLink, TemplateVersion


@dataclass(frozen=True, slots=True)
class NewHit:
    """One request for a tracking address, as it came."""

    message_id: int
    kind: HitKind
    method: str
    at: datetime
    link: int | None = None
    ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whose message was hit: what an event made of the hit has to name."""

    message_id: int
    kind: str
    state: str
    lead_id: int | None
    enrollment_id: int | None
    campaign: str | None
    step: str | None
    sent_at: datetime | None
    links: int


def record_hits(session: Session, hits: Sequence[NewHit]) -> None:
    """Keep hits, unjudged."""
    rows: list[dict[str, object]] = [
        {
            "message_id": hit.message_id,
            "kind": hit.kind,
            "method": hit.method[:8],
            "at": hit.at,
            "link": hit.link,
            "ip": hit.ip,
            "user_agent": hit.user_agent and hit.user_agent.replace("\x00", "")[:512],
            "settle_at": hit.at + SETTLES_AFTER,
            "reasons": [],
        }
        for hit in hits
    ]
    if rows:
        session.execute(insert(Hit), rows)


SETTLING_LOCK = 0x6E757274_0002
"""The advisory lock of whoever judges hits: two at once would write every verdict twice."""


def take_turn(session: Session) -> bool:
    """Whether it is ours to judge hits until the transaction ends; SQLite has one writer anyhow."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(SETTLING_LOCK))))


def unsettled_messages(session: Session, now: datetime, limit: int) -> dict[int, datetime]:
    """The messages of the oldest hits that are ripe to be judged, and when the oldest of those came."""
    ripe = (
        select(Hit.message_id, func.min(Hit.at).label("since"))
        .where(Hit.verdict.is_(None), Hit.settle_at <= now)
        .group_by(Hit.message_id)
        .order_by("since", Hit.message_id)
        .limit(limit)
    )
    return {row.message_id: row.since for row in session.execute(ripe)}


def hits_since(session: Session, moments: Mapping[int, datetime]) -> dict[int, list[Hit]]:
    """The hits of these messages since the moment that is given for each, oldest first."""
    found: dict[int, list[Hit]] = defaultdict(list)
    for ids in chunks(moments):
        since = min(moments[message_id] for message_id in ids)
        wanted = select(Hit).where(Hit.message_id.in_(ids), Hit.at >= since).order_by(Hit.at, Hit.id)
        for hit in session.scalars(wanted):
            if hit.at >= moments[hit.message_id]:
                found[hit.message_id].append(hit)
    return found


def crowds(session: Session, hit_ids: Iterable[int], window: timedelta) -> dict[int, int]:
    """For each hit, how many messages its network address asked for within `window` around it."""
    other = aliased(Hit)
    found: dict[int, int] = {}
    for ids in chunks(hit_ids):
        mine = session.execute(
            select(Hit.id, Hit.ip, Hit.at).where(Hit.id.in_(ids), Hit.ip.is_not(None))
        ).all()
        if not mine:
            continue
        first, last = min(row.at for row in mine), max(row.at for row in mine)
        near_by = select(other.ip, other.at, other.message_id).where(
            other.ip.in_({row.ip for row in mine}), other.at.between(first - window, last + window)
        )
        by_ip: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
        for ip, at, message_id in session.execute(near_by):
            by_ip[str(ip)].append((at, message_id))
        for row in mine:
            near = {message for at, message in by_ip[str(row.ip)] if abs(at - row.at) <= window}
            found[row.id] = len(near)
    return found


def addressees(session: Session, message_ids: Iterable[int]) -> dict[int, Addressee]:
    """Whose messages these are; unknown ids are left out."""
    found: dict[int, Addressee] = {}
    own = (
        select(func.count()).where(MessageLink.message_id == Message.id).correlate(Message).scalar_subquery()
    )
    for ids in chunks(message_ids):
        rows = session.execute(
            select(Message, Campaign.slug, TemplateVersion.compiled["links"], own)
            .outerjoin(Campaign, Campaign.id == Message.campaign_id)
            .outerjoin(TemplateVersion, TemplateVersion.id == Message.template_version_id)
            .where(Message.id.in_(ids))
        )
        for message, slug, shared_links, own_links in rows:
            found[message.id] = Addressee(
                message.id,
                message.kind,
                message.state,
                message.lead_id,
                message.enrollment_id,
                slug,
                message.step,
                message.sent_at,
                len(shared_links or ()) + own_links,
            )
    return found


@dataclass(frozen=True, slots=True)
class Judged:
    """A hit with its verdict and the event that was made of it."""

    hit_id: int
    verdict: Verdict
    reasons: tuple[str, ...]
    event_id: int | None


def write_verdicts(session: Session, judged: Sequence[Judged]) -> None:
    """Write verdicts on their hits."""
    statement = (
        update(Hit)
        .where(Hit.id == bindparam("hit_id"))
        .values(verdict=bindparam("judged"), reasons=bindparam("why"), event_id=bindparam("made"))
        .execution_options(synchronize_session=False)
    )
    values = [
        {"hit_id": one.hit_id, "judged": one.verdict.value, "why": list(one.reasons), "made": one.event_id}
        for one in judged
    ]
    if values:
        session.connection().execute(statement, values)


def stored_target(session: Session, message_id: int, number: int) -> str | None:
    """The target of a link that depends on the lead."""
    return session.scalar(
        select(MessageLink.target).where(MessageLink.message_id == message_id, MessageLink.number == number)
    )


def template_of(session: Session, message_id: int) -> str | None:
    """Which template version a message was made from."""
    return session.scalar(select(Message.template_version_id).where(Message.id == message_id))
