"""What update steps change on leads: tags, custom fields, ladders, points."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.conditions.fields import CUSTOM, number
from nurture.domain.decide import Passage, Update
from nurture.domain.definition.steps import SETTABLE
from nurture.domain.errors import ConflictError
from nurture.domain.events import EventKind
from nurture.domain.lifecycle.moves import Wish
from nurture.domain.values import Lifecycle, Scalar, Stage
from nurture.services.house import House
from nurture.services.ladders import move_leads
from nurture.services.scores import Adjustment, adjust
from nurture.store import changes as store
from nurture.store.decisions import NewDecision
from nurture.store.events import NewEvent, record_events
from nurture.store.leads import mark_dirty

OWN = "lead."
"""Before the name of a lead's own field; may be left out."""

SOURCE = "campaign"
"""The source of events that campaigns cause."""


@dataclass(frozen=True, slots=True)
class Change:
    """An update step at its turn."""

    passage: Passage
    update: Update

    @property
    def key(self) -> str:
        """The name of this turn, for what may count only once."""
        return f"{self.passage.id}:{self.update.step}"


def change_leads(
    session: Session, house: House, changes: Sequence[Change], now: datetime
) -> list[NewDecision]:
    """Change leads as steps ask, and have them looked at again; what is refused is told for the log."""
    if not changes:
        return []
    _tag(session, changes, now)
    _set_fields(session, house, changes, now)
    refused = list(_move(session, house, changes, now))
    adjust(session, house, [_adjustment(change) for change in changes if change.update.points], now)
    mark_dirty(session, {change.passage.lead_id for change in changes}, now)
    return refused


def _tag(session: Session, changes: Iterable[Change], now: datetime) -> None:
    steps = {(change.passage.lead_id, tag): change for change in changes for tag in change.update.tags}
    added = store.add_tags(session, steps.keys(), now)
    removed = {(change.passage.lead_id, tag) for change in changes for tag in change.update.untag}
    store.remove_tags(session, removed - steps.keys())
    record_events(session, [_tagged(steps[pair], pair[1], now) for pair in sorted(added)], now)


def _tagged(change: Change, tag: str, now: datetime) -> NewEvent:
    passage = change.passage
    return NewEvent(
        source=SOURCE,
        external_id=f"tagged:{change.key}:{tag}",
        lead_id=passage.lead_id,
        kind=EventKind.TAGGED,
        at=now,
        enrollment_id=passage.id,
        campaign=passage.campaign,
        step=change.update.step,
        data={"tag": tag},
    )


def _set_fields(session: Session, house: House, changes: Iterable[Change], now: datetime) -> None:
    owners = {field.name: field.of for field in house.organisation.fields}
    values: dict[str, dict[int, dict[str, Scalar]]] = {"lead": {}, "company": {}, "own": {}}
    for change in changes:
        for name, text in change.update.set.items():
            custom, own = name.removeprefix(CUSTOM), name.removeprefix(OWN)
            if name.startswith(CUSTOM):
                fields = values[owners.get(custom, "lead")].setdefault(change.passage.lead_id, {})
                fields[custom] = typed(text, house.field_types.get(custom, "text"))
            elif own in SETTABLE:
                values["own"].setdefault(change.passage.lead_id, {})[own] = text or None
    store.set_lead_fields(session, values["lead"], now)
    store.set_company_fields(session, values["company"], now)
    store.set_lead_columns(session, values["own"], now)


def typed(text: str, type_: str) -> Scalar:
    """The value that a text stands for in a custom field of this type; None where it stands for none."""
    match type_:
        case "number":
            return number(text)
        case "boolean":
            return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower())
        case _:
            return text or None


def _move(session: Session, house: House, changes: Iterable[Change], now: datetime) -> Iterator[NewDecision]:
    """One lead after the other: a move that is refused must not take the others along. Moves are rare."""
    for change in changes:
        try:
            move_leads(session, house, list(_wishes(change)), now)
        except ConflictError as error:
            yield NewDecision(
                lead_id=change.passage.lead_id,
                enrollment_id=change.passage.id,
                campaign=change.passage.campaign,
                step=change.update.step,
                outcome="refused",
                reason="ladder",
                sentence=str(error),
            )


def _wishes(change: Change) -> Iterator[Wish]:
    wanted, passage = change.update.set, change.passage
    reason = f'Step "{change.update.step}" of "{passage.campaign}"'
    if "lifecycle" in wanted:
        yield Wish(passage.lead_id, Lifecycle(wanted["lifecycle"]), reason, SOURCE, by_person=False)
    if "stage" in wanted:
        yield Wish(passage.lead_id, Stage(wanted["stage"]), reason, SOURCE, by_person=False)


def _adjustment(change: Change) -> Adjustment:
    passage = change.passage
    note = f'Step "{change.update.step}" of "{passage.campaign}"'
    return Adjustment(passage.lead_id, change.update.points or 0.0, f"step:{change.key}", note)
