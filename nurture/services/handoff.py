"""When a person takes over: tasks, and the conversation during which marketing is silent."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from nurture.domain.errors import ConflictError, NotFound
from nurture.domain.events import Event, EventKind, Verdict
from nurture.domain.values import LeadView
from nurture.store import tasks as store
from nurture.store.audit import AuditNote, record
from nurture.store.enrollments import wake_leads
from nurture.store.leads import mark_dirty
from nurture.store.tasks import NewTask

ANSWER_WITHIN = timedelta(hours=24)
REPLY = "reply"
"""The kind of task whose lead gets no marketing until it is closed."""


def take_replies(
    session: Session, events: Iterable[Event], leads: Mapping[int, LeadView], now: datetime
) -> None:
    """Hand leads that answered us to their owners: a task for each reply, and silence until it is closed.

    The same reply, processed again, does not open its task a second time.
    """
    replies = [event for event in events if _is_a_persons_reply(event) and event.lead_id in leads]
    fresh = store.open_tasks(session, [_task(reply, leads[reply.lead_id], now) for reply in replies], now)
    store.begin_conversations(session, {reply.lead_id: reply.at for reply in replies if _key(reply) in fresh})


def _is_a_persons_reply(event: Event) -> bool:
    return event.kind == EventKind.EMAIL_REPLIED and event.verdict is not Verdict.MACHINE


def _key(reply: Event) -> str:
    return f"{REPLY}:{reply.id}"


def _task(reply: Event, lead: LeadView, now: datetime) -> NewTask:
    return NewTask(
        lead_id=lead.id,
        kind=REPLY,
        dedupe_key=_key(reply),
        title="Answer the reply",
        reasons=(f"It answered a mail of {reply.campaign}." if reply.campaign else "It answered a mail.",),
        owner_id=lead.owner_id,
        enrollment_id=reply.enrollment_id,
        due_at=now + ANSWER_WITHIN,
    )


def close_task(session: Session, task_id: int, outcome: str, actor: str, now: datetime) -> None:
    """Close a task; with the last open reply of a lead its conversation ends and its campaigns go on.

    Raises:
        NotFound: there is no such task.
        ConflictError: it is closed already.
    """
    task = store.find(session, task_id)
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    if task.status != "open":
        raise ConflictError(f"Task {task_id} is closed already.")
    store.close(session, task_id, outcome, now)
    record(session, AuditNote(actor, "close", f"task:{task_id}", {"outcome": outcome}), now)
    if task.kind == REPLY and store.end_conversation(session, task.lead_id, REPLY):
        wake_leads(session, [task.lead_id], now)
        mark_dirty(session, [task.lead_id], now)
