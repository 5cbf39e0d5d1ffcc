"""Opens and clicks: recorded as they come, judged when the burst is over, then facts like any other."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import crawlerdetect
from sqlalchemy.orm import Session

from nurture.domain import engagement
from nurture.domain.engagement import CROWD_WINDOW, HitKind, Judgement
from nurture.domain.events import EventKind, Verdict
from nurture.services.runtime import Runtime
from nurture.services.verdicts import Revision, note_verdicts, revise
from nurture.store import hits as store
from nurture.store.events import NewEvent, record_events
from nurture.store.hits import Addressee, Judged
from nurture.store.schema import Hit

_CRAWLERS = crawlerdetect.CrawlerDetect()
_KINDS = {HitKind.OPEN: EventKind.EMAIL_OPENED, HitKind.CLICK: EventKind.EMAIL_CLICKED}


def settle_hits(runtime: Runtime, now: datetime, limit: int) -> int:
    """Judge the hits of at most `limit` messages whose burst is over; returns how many messages.

    All hits of a message are judged together: where a later one shows an earlier one in another light, the
    earlier verdict is revised, which moves scores but never unsends.
    """
    with runtime.write() as session:
        messages = store.unsettled_messages(session, now, limit)
        if messages:
            _settle(session, messages, now)
    return len(messages)


def _settle(session: Session, messages: Sequence[int], now: datetime) -> None:
    rows = store.hits_of(session, messages)
    people = store.addressees(session, messages)
    ripe = [hit for of_message in rows.values() for hit in of_message if hit.settle_at <= now]
    crowds = store.crowds(session, [hit.id for hit in ripe], CROWD_WINDOW)
    judged: list[Judged] = []
    events: list[NewEvent] = []
    revisions: list[Revision] = []
    for message_id, of_message in rows.items():
        addressee = people.get(message_id)
        verdicts = _judge(of_message, addressee, crowds)
        for hit in of_message:
            judgement = verdicts[hit.id]
            if hit.verdict is None and hit.settle_at <= now:
                event = _event(hit, addressee, judgement)
                events.extend([event] if event else [])
                judged.append(_judged(hit, judgement, event.id if event else None))
            elif hit.verdict is not None and hit.verdict != judgement.verdict:
                judged.append(_judged(hit, judgement, hit.event_id))
                if hit.event_id is not None:
                    revisions.append(Revision(hit.event_id, judgement.verdict, judgement.reasons))
    record_events(session, events, now)
    made = {one.event_id for one in judged if one.event_id is not None} - {one.event_id for one in revisions}
    note_verdicts(
        session,
        [Revision(one.event_id, one.verdict, one.reasons) for one in judged if one.event_id in made],
        now,
    )
    revise(session, revisions, now)
    store.write_verdicts(session, judged)


def _judge(
    rows: Sequence[Hit], addressee: Addressee | None, crowds: Mapping[int, int]
) -> dict[int, Judgement]:
    hits = [
        engagement.Hit(
            id=row.id,
            kind=HitKind(row.kind),
            at=row.at,
            method=row.method,
            link=row.link,
            ip=row.ip,
            user_agent=row.user_agent,
            crawler=_is_crawler(row.user_agent),
            crowd=crowds.get(row.id, 1),
        )
        for row in rows
    ]
    return engagement.judge(
        hits, addressee.sent_at if addressee else None, addressee.links if addressee else 0
    )


def _is_crawler(user_agent: str | None) -> bool:
    return bool(user_agent) and bool(_CRAWLERS.isCrawler(user_agent))


def _judged(hit: Hit, judgement: Judgement, event_id: int | None) -> Judged:
    return Judged(hit.id, judgement.verdict, judgement.reasons, event_id)


def _event(hit: Hit, addressee: Addressee | None, judgement: Judgement) -> NewEvent | None:
    """The fact that a hit proves; none for traps, tests, system mails and messages that are gone."""
    kind = _KINDS.get(HitKind(hit.kind))
    if kind is None or addressee is None or addressee.kind != "campaign" or addressee.lead_id is None:
        return None
    return NewEvent(
        source="hit",
        external_id=str(hit.id),
        lead_id=addressee.lead_id,
        kind=kind,
        at=hit.at,
        verdict=Verdict(judgement.verdict),
        message_id=hit.message_id,
        enrollment_id=addressee.enrollment_id,
        campaign=addressee.campaign,
        step=addressee.step,
        data={} if hit.link is None else {"link": hit.link},
    )
