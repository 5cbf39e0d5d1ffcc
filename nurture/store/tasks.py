"""What people have to do about leads, and the conversations that last until it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.store.base import chunks
from nurture.store.schema import Lead, Task


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task about to be opened; the same `dedupe_key` opens it once."""

    lead_id: int
    kind: str
    dedupe_key: str
    title: str
    reasons: tuple[str, ...] = ()
    owner_id: int | None = None
    enrollment_id: int | None = None
    due_at: datetime | None = None


def open_tasks(session: Session, tasks: Sequence[NewTask], now: datetime) -> set[str]:
    """Open the tasks that were not opened before; returns their dedupe keys."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    opened: set[str] = set()
    for batch in chunks({task.dedupe_key: task for task in tasks}.values()):
        statement = insert(Task).values([_row(task, now) for task in batch])
        opened.update(session.scalars(statement.on_conflict_do_nothing().returning(Task.dedupe_key)))
    return opened


def _row(task: NewTask, now: datetime) -> dict[str, object]:
    return {
        "lead_id": task.lead_id,
        "kind": task.kind,
        "dedupe_key": task.dedupe_key,
        "title": task.title,
        "reasons": list(task.reasons),
        "owner_id": task.owner_id,
        "enrollment_id": task.enrollment_id,
        "status": "open",
        "due_at": task.due_at,
        "created_at": now,
    }


def find(session: Session, task_id: int) -> Task | None:
    """The task of this id, locked until the transaction ends."""
    return session.scalar(select(Task).where(Task.id == task_id).with_for_update())


def close(session: Session, task_id: int, outcome: str, now: datetime) -> None:
    """Note how a task ended."""
    session.execute(
        update(Task).where(Task.id == task_id).values(status="closed", outcome=outcome, closed_at=now)
    )


def begin_conversations(session: Session, since: Mapping[int, datetime]) -> None:
    """From `since` on a person is talking to each of these leads; a conversation under way goes on."""
    statement = (
        update(Lead)
        .where(Lead.id == bindparam("lead"), Lead.conversation_since.is_(None))
        .values(conversation_since=bindparam("began"))
        .execution_options(synchronize_session=False)
    )
    for batch in chunks(sorted(since.items())):
        session.connection().execute(statement, [{"lead": lead, "began": began} for lead, began in batch])


def end_conversation(session: Session, lead_id: int, kind: str) -> bool:
    """End the lead's conversation unless a task of this kind is still open; returns whether it has ended."""
    still_open = exists().where(Task.lead_id == lead_id, Task.kind == kind, Task.status == "open")
    ended = session.scalar(
        update(Lead)
        .where(Lead.id == lead_id, Lead.conversation_since.is_not(None), ~still_open)
        .values(conversation_since=None)
        .returning(Lead.id)
        .execution_options(synchronize_session=False)
    )
    return ended is not None
