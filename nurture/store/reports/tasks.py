"""Tasks: what a person has to do about a lead."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from nurture.store.reports.activity import lead_name
from nurture.store.reports.counting import Count, count_up_to
from nurture.store.schema import Company, Lead, Task, User

PAGE = 25


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as lists show it."""

    id: int
    lead_id: int
    lead: str
    company: str
    kind: str
    title: str
    reasons: tuple[str, ...]
    owner_id: int | None
    owner: str
    status: str
    due_at: datetime | None
    created_at: datetime
    closed_at: datetime | None
    outcome: str


def tasks(session: Session, status: str, limit: int = PAGE, offset: int = 0) -> tuple[TaskRow, ...]:
    """Tasks that are `open` (the most urgent first) or `closed` (the latest first)."""
    statement = select(Task, Lead, Company.name, User).where(Task.status == status)
    if status == "open":
        statement = statement.order_by(Task.due_at.is_(None), Task.due_at, Task.id)
    else:
        statement = statement.order_by(Task.closed_at.desc(), Task.id.desc())
    return _rows(session, statement, limit, offset)


def tasks_of(session: Session, lead_id: int) -> tuple[TaskRow, ...]:
    """The tasks about one lead, the newest first."""
    statement = select(Task, Lead, Company.name, User).where(Task.lead_id == lead_id)
    return _rows(session, statement.order_by(Task.id.desc()), PAGE, 0)


def open_tasks(session: Session) -> Count:
    """How many tasks are open."""
    return count_up_to(session, select(Task.id).where(Task.status == "open"))


def _rows(
    session: Session, statement: Select[Task, Lead, str, User], limit: int, offset: int
) -> tuple[TaskRow, ...]:
    joined = (
        statement.join(Lead, Lead.id == Task.lead_id)
        .outerjoin(Company, Company.id == Lead.company_id)
        .outerjoin(User, User.id == Task.owner_id)
    )
    return tuple(_row(*row) for row in session.execute(joined.limit(limit).offset(offset)))


def _row(task: Task, lead: Lead, company: str | None, owner: User | None) -> TaskRow:
    return TaskRow(
        id=task.id,
        lead_id=lead.id,
        lead=lead_name(lead),
        company=company or "",
        kind=task.kind,
        title=task.title,
        reasons=tuple(str(reason) for reason in task.reasons),
        owner_id=task.owner_id,
        owner=(owner.name or owner.address) if owner else "",
        status=task.status,
        due_at=task.due_at,
        created_at=task.created_at,
        closed_at=task.closed_at,
        outcome=task.outcome or "",
    )
