"""How the machinery is doing: queues, their lag, and what needs somebody."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from nurture.store.reports.counting import Count, count_up_to
from nurture.store.schema import Bucket, Due, Inbox, Message, RawItem


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits, and since when the first of it is due."""

    messages_due: Count
    oldest_message: datetime | None
    passages_due: Count
    oldest_passage: datetime | None
    events_waiting: Count
    events_in_error: Count
    raw_in_error: Count
    in_doubt: Count
    failed: Count

    def lag(self, now: datetime) -> timedelta:
        """How late the oldest message is."""
        oldest = self.oldest_message
        return timedelta() if oldest is None else max(timedelta(), now - oldest)


@dataclass(frozen=True, slots=True)
class MailerState:
    """What is known of a transport: refused for a while, or stopped because of an error."""

    name: str
    refused_until: datetime | None
    stopped_because: str
    doubts: int


def queues(session: Session, now: datetime) -> Queues:
    """What waits now; counted up to a thousand."""
    due_messages = select(Message.id).where(Message.state == "pending", Message.due_at <= now)
    due_passages = select(Due.enrollment_id).where(Due.due_at <= now)
    return Queues(
        messages_due=count_up_to(session, due_messages),
        oldest_message=session.scalar(
            select(func.min(Message.due_at)).where(Message.state == "pending", Message.due_at <= now)
        ),
        passages_due=count_up_to(session, due_passages),
        oldest_passage=session.scalar(select(func.min(Due.due_at)).where(Due.due_at <= now)),
        events_waiting=count_up_to(session, select(Inbox.event_id)),
        events_in_error=count_up_to(session, select(Inbox.event_id).where(Inbox.error.is_not(None))),
        raw_in_error=count_up_to(session, select(RawItem.id).where(RawItem.status == "failed")),
        in_doubt=count_up_to(session, select(Message.id).where(Message.state == "unconfirmed")),
        failed=count_up_to(session, select(Message.id).where(Message.state == "failed")),
    )


def mailers(session: Session) -> tuple[MailerState, ...]:
    """Every transport that has been used."""
    rows = session.scalars(select(Bucket).order_by(Bucket.mailer))
    return tuple(
        MailerState(row.mailer, row.refused_until, row.stopped_because or "", row.doubts) for row in rows
    )
