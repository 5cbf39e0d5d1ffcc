"""Tasks that notify steps make for people."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.decide import Notify, Passage
from nurture.store import planning
from nurture.store.leads import lead_views
from nurture.store.tasks import NewTask, open_tasks

HAND_OFF = "hand-off"
"""The kind of task that a campaign makes."""


def tell(session: Session, notices: Sequence[tuple[Passage, Notify]], now: datetime) -> None:
    """Open one task per notice, for the user named or the lead's owner; leads of nobody go round in turn."""
    if not notices:
        return
    owners = {
        lead_id: view.owner_id
        for lead_id, view in lead_views(session, {passage.lead_id for passage, _ in notices}).items()
    }
    users = planning.users_by_address(session, [notify.user for _, notify in notices if notify.user])
    wanted = [
        users.get(notify.user) if notify.user else owners.get(passage.lead_id) for passage, notify in notices
    ]
    turns = iter(planning.owners_in_turn(session, wanted.count(None)))
    tasks = [
        _task(passage, notify, next(turns) if owner is None else owner)
        for (passage, notify), owner in zip(notices, wanted, strict=True)
    ]
    open_tasks(session, tasks, now)


def _task(passage: Passage, notify: Notify, owner_id: int | None) -> NewTask:
    return NewTask(
        lead_id=passage.lead_id,
        kind=HAND_OFF,
        dedupe_key=f"step:{passage.id}:{notify.step}",
        title=notify.reason or f'Look at this lead: "{passage.campaign}" asks for it',
        reasons=(f'Step "{notify.step}" of the campaign "{passage.campaign}".',),
        owner_id=owner_id,
        enrollment_id=passage.id,
        due_at=notify.due_at,
    )
