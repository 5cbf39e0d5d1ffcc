"""Opens and clicks: recorded as they come, judged when the burst is over, then facts like any other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import crawlerdetect
import structlog
from sqlalchemy.orm import Session

from nurture.domain import engagement
from nurture.domain.engagement import CROWD_WINDOW, NEIGHBOURHOOD, HitKind, Judgement
from nurture.domain.events import EventKind, Verdict
from nurture.domain.sending import MessageState, Reception
from nurture.services.runtime import Runtime
from nurture.services.verdicts import Revision, note_verdicts, revise
from nurture.store import hits as store
from nurture.store.events import NewEvent, record_events
from nurture.store.hits import Addressee, Judged
from nurture.store.messages import note_reception
from nurture.store.schema import Hit

log = structlog.get_logger(__name__)

_DOUBTED = frozenset({MessageState.SENDING, MessageState.UNCONFIRMED, MessageState.FAILED})
_CRAWLERS = crawlerdetect.CrawlerDetect()
_KINDS = {HitKind.OPEN: EventKind.EMAIL_OPENED, HitKind.CLICK: EventKind.EMAIL_CLICKED}


def settle_hits(runtime: Runtime, now: datetime, limit: int) -> int:
    """Judge the hits of at most `limit` messages whose burst is over; returns how many messages.

    All hits of a message are judged together: where a later one shows an earlier one in another light, the
    earlier verdict is revised, which moves scores but never unsends. A message whose hits cannot be judged
    does not stop the others: its hits stay without a verdict that counts. Whoever asked, a hit proves that
    the message arrived, which settles the doubt about one that nobody knew to be sent.
    """
    with runtime.write() as session:
        messages = store.unsettled_messages(session, now, limit) if store.take_turn(session) else {}
        if messages:
            _write(session, _settle(session, messages, now), now)
    return len(messages)


@dataclass(slots=True)
class _Findings:
    """What is to be written: verdicts on hits, the facts made of them, and what is thought of those."""

    judged: list[Judged] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    first: list[Revision] = field(default_factory=list)
    revised: list[Revision] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)

    def add(self, hit: Hit, judgement: Judgement, event: NewEvent | None) -> None:
        """A hit is judged for the first time."""
        self.judged.append(_judged(hit, judgement, event.id if event else None))
        if event is not None:
            self.events.append(event)
            self.first.append(Revision(event.id, judgement.verdict, judgement.reasons))

    def change(self, hit: Hit, judgement: Judgement) -> None:
        """A hit that was judged before is seen in another light."""
        self.judged.append(_judged(hit, judgement, hit.event_id))
        if hit.event_id is not None:
            self.revised.append(Revision(hit.event_id, judgement.verdict, judgement.reasons))


def _settle(session: Session, messages: Mapping[int, datetime], now: datetime) -> _Findings:
    # What lies further back is settled and can learn nothing new, and its own neighbours are not all here.
    moments = {message_id: since - 2 * NEIGHBOURHOOD for message_id, since in messages.items()}
    hits = store.hits_since(session, moments)
    people = store.addressees(session, messages)
    ripe = [hit.id for of_message in hits.values() for hit in of_message if hit.settle_at <= now]
    crowds = store.crowds(session, ripe, CROWD_WINDOW)
    findings = _Findings(arrived=[one.message_id for one in people.values() if one.state in _DOUBTED])
    for message_id, of_message in hits.items():
        try:
            verdicts = _judge(of_message, people.get(message_id), crowds)
        except Exception:
            # One poisoned hit must not keep everybody else's from being judged.
            log.exception("hits cannot be judged", action="settle", message_id=message_id)
            verdicts = {hit.id: Judgement(Verdict.UNKNOWN, ("cannot be judged",)) for hit in of_message}
        concerned = [hit for hit in of_message if hit.at >= messages[message_id] - NEIGHBOURHOOD]
        _compare(findings, concerned, verdicts, people.get(message_id), now)
    return findings


def _compare(
    findings: _Findings,
    hits: Sequence[Hit],
    verdicts: Mapping[int, Judgement],
    addressee: Addressee | None,
    now: datetime,
) -> None:
    for hit in hits:
        judgement = verdicts[hit.id]
        if hit.verdict is None and hit.settle_at <= now:
            findings.add(hit, judgement, _event(hit, addressee, judgement))
        elif hit.verdict is not None and hit.verdict != judgement.verdict:
            findings.change(hit, judgement)


def _write(session: Session, findings: _Findings, now: datetime) -> None:
    record_events(session, findings.events, now)
    note_verdicts(session, findings.first, now)
    revise(session, findings.revised, now)
    store.write_verdicts(session, findings.judged)
    for message_id in findings.arrived:
        note_reception(session, message_id, Reception.DELIVERED, now)


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
    kind = _KINDS.get(HitKind(hit.kind)) if hit.kind in list(HitKind) else None
    if kind is None or addressee is None or addressee.kind != "campaign" or addressee.lead_id is None:
        return None
    return NewEvent(
        source="hit",
        external_id=str(hit.id),
        lead_id=addressee.lead_id,
        kind=kind,
        at=hit.at,
        verdict=judgement.verdict,
        message_id=hit.message_id,
        enrollment_id=addressee.enrollment_id,
        campaign=addressee.campaign,
        step=addressee.step,
        data={} if hit.link is None else {"link": hit.link},
    )
