"""Conditions over sets of leads: the same language as in `domain.conditions`, as one SQL expression."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, assert_never

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from nurture.domain.conditions.details import read_details
from nurture.domain.conditions.evaluate import MESSAGE_EVENTS, segment_of
from nurture.domain.conditions.fields import read_test
from nurture.domain.conditions.tree import (
    All,
    Any_,
    Bounds,
    Condition,
    EngagementTest,
    EventTest,
    FieldTest,
    FitTest,
    HasBeenTest,
    Held,
    InCampaignTest,
    LifecycleTest,
    MessageTest,
    None_,
    SegmentTest,
    StageTest,
    TagTest,
)
from nurture.domain.events import HUMAN_EVIDENCE, JUDGED
from nurture.domain.scoring.decay import threshold_heat
from nurture.domain.timing.spans import before
from nurture.domain.values import Grade
from nurture.store.field_tests import Truth, detail_test, field_test
from nurture.store.schema import Campaign, Enrollment, EventRow, Lead, LeadTag, ScoreRow, SegmentMember


@dataclass(frozen=True, slots=True)
class SetContext:
    """What a condition over sets needs besides the tables; see `Snapshot` and `Scope` for one lead.

    `generation` is the active one of the scores. `since` and `enrollment_id` may be columns of `lead` or
    `enrollment`, where the query has them.
    """

    dialect: str
    now: datetime
    half_life: timedelta
    generation: int | None
    segments: Mapping[str, Condition] = field(default_factory=dict)
    field_types: Mapping[str, str] = field(default_factory=dict)
    since: datetime | ColumnElement[datetime] | InstrumentedAttribute[Any] | None = None
    enrollment_id: int | ColumnElement[int] | InstrumentedAttribute[Any] | None = None


def compile_condition(condition: Condition, context: SetContext) -> Truth:
    """Whether the condition holds for a row of `lead`: true or false, never NULL; all values are bound.

    The query that uses it must select from `Lead`. It agrees with `evaluate` on a snapshot of that lead.

    Raises:
        InputError: when the condition names a field or a segment that there is not.
    """
    match condition:
        case All():
            return and_(true(), *(compile_condition(part, context) for part in condition.all))
        case Any_():
            return or_(false(), *(compile_condition(part, context) for part in condition.any))
        case None_():
            return not_(or_(false(), *(compile_condition(part, context) for part in condition.none)))
        case FieldTest():
            return field_test(read_test(condition, context.field_types), context.dialect)
        case EventTest():
            return _at_least(condition.count, _events_of(condition, context))
        case MessageTest():
            return _has_answered(condition, context)
        case EngagementTest():
            return _within_bounds(condition.engagement, context)
        case FitTest():
            return Lead.fit.in_([grade for grade in Grade if grade.at_least(condition.fit.at_least)])
        case LifecycleTest():
            return Lead.lifecycle.in_(condition.lifecycle)
        case StageTest():
            return Lead.stage.in_(condition.stage)
        case TagTest():
            return _exists(select(literal(1)).where(LeadTag.lead_id == Lead.id, LeadTag.tag == condition.tag))
        case SegmentTest():
            return _in_segment(condition.segment, context)
        case InCampaignTest():
            return _passes_through(condition.in_campaign)
        case HasBeenTest():
            return _has_been(condition.has_been, before(context.now, condition.for_), context)
        case _:
            assert_never(condition)


def refresh_members(
    session: Session, slug: str, context: SetContext, lead_ids: Collection[int] | None = None
) -> int:
    """Note who has come into a segment or left it, for `has_been`; returns how many did.

    Looks at all leads, or at those of `lead_ids`. Somebody who was in it already keeps its `since`.
    """
    is_in = _in_segment(slug, context)
    leads = select(Lead.id).where(is_in, Lead.erased_at.is_(None))
    of_these = true() if lead_ids is None else SegmentMember.lead_id.in_(lead_ids)
    gone = session.execute(
        delete(SegmentMember)
        .where(SegmentMember.segment == slug, of_these, SegmentMember.lead_id.not_in(leads))
        .execution_options(synchronize_session=False)
    )
    known = exists().where(SegmentMember.segment == slug, SegmentMember.lead_id == Lead.id).correlate(Lead)
    new = select(literal(slug), Lead.id, literal(context.now, SegmentMember.since.type)).where(
        is_in, Lead.erased_at.is_(None), not_(known)
    )
    if lead_ids is not None:
        new = new.where(Lead.id.in_(lead_ids))
    come = session.execute(
        insert(SegmentMember).from_select(["segment", "lead_id", "since"], new),
        execution_options={"preserve_rowcount": True},
    )
    return int(gone.rowcount + come.rowcount)  # type: ignore[attr-defined] # Both are CursorResults.


def _exists(rows: Select[Any]) -> Truth:
    """Whether there are such rows for this lead, or its enrollment where the query has one."""
    return exists(rows.correlate(Lead, Enrollment))


def _at_least(count: int, rows: Select[Any]) -> Truth:
    if count == 1:
        return _exists(rows)
    number = rows.with_only_columns(func.count()).correlate(Lead, Enrollment).scalar_subquery()
    return number >= count


def _events_of(test: EventTest, context: SetContext) -> Select[Any]:
    rows = _evidence(test.event)
    if test.within is not None:
        rows = rows.where(EventRow.at > before(context.now, test.within))
    elif not test.ever and context.since is not None:
        rows = rows.where(EventRow.at >= context.since)
    return rows.where(*(detail_test(one, EventRow.data, context.dialect) for one in read_details(test.where)))


def _evidence(kind: str) -> Select[Any]:
    """The events of this lead that count, see `Event.counts`."""
    rows = select(literal(1)).where(EventRow.lead_id == Lead.id, EventRow.kind == kind)
    return rows.where(EventRow.verdict.in_(sorted(HUMAN_EVIDENCE))) if kind in JUDGED else rows


def _has_answered(test: MessageTest, context: SetContext) -> Truth:
    if context.enrollment_id is None:
        return false()
    rows = _evidence(MESSAGE_EVENTS[test.message]).where(EventRow.enrollment_id == context.enrollment_id)
    return _exists(rows if test.step is None else rows.where(EventRow.step == test.step))


def _within_bounds(bounds: Bounds, context: SetContext) -> Truth:
    reaches = true() if bounds.gte is None else _has_engagement(bounds.gte, context)
    return reaches if bounds.lt is None else and_(reaches, not_(_has_engagement(bounds.lt, context)))


def _has_engagement(points: float, context: SetContext) -> Truth:
    if points <= 0:
        return true()
    if context.generation is None or not isfinite(points):
        return false()
    return _exists(
        select(literal(1)).where(
            ScoreRow.lead_id == Lead.id,
            ScoreRow.generation == context.generation,
            ScoreRow.heat >= threshold_heat(points, context.now, context.half_life),
        )
    )


def _in_segment(slug: str, context: SetContext) -> Truth:
    """In a segment all history counts, wherever it is asked for."""
    outside = replace(context, since=None, enrollment_id=None)
    return compile_condition(segment_of(slug, context.segments), outside)


def _passes_through(campaign: str) -> Truth:
    passage = aliased(Enrollment)
    return _exists(
        select(literal(1))
        .join_from(passage, Campaign, Campaign.id == passage.campaign_id)
        .where(
            passage.lead_id == Lead.id,
            passage.status.in_(("active", "paused")),
            Campaign.slug == campaign,
        )
    )


def _has_been(held: Held, since: datetime, context: SetContext) -> Truth:
    """Whether the lead is what `held` says, and came to be it at `since` or earlier."""
    if held.lifecycle is not None:
        return and_(Lead.lifecycle == held.lifecycle, _not_after(Lead.lifecycle_since, since))
    if held.stage is not None:
        return and_(Lead.stage == held.stage, _not_after(Lead.stage_since, since))
    if held.tag is not None:
        tags = select(literal(1)).where(LeadTag.lead_id == Lead.id, LeadTag.tag == held.tag)
        return _exists(tags.where(LeadTag.since <= since))
    slug = str(held.segment)
    members = select(literal(1)).where(SegmentMember.lead_id == Lead.id, SegmentMember.segment == slug)
    return and_(_exists(members.where(SegmentMember.since <= since)), _in_segment(slug, context))


def _not_after(column: InstrumentedAttribute[datetime | None], instant: datetime) -> Truth:
    return and_(column.is_not(None), column <= instant)
