"""Sums and levels by day and campaign: written by the roll-up, read by the pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, case, delete, exists, func, insert, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from nurture.domain.events import HUMAN_EVIDENCE, EventKind, Verdict
from nurture.domain.values import Lifecycle
from nurture.store.schema import Campaign, DailyCount, Enrollment, EventRow, Lead, Message

Group = TypeVar("Group")
"""What sums are grouped by."""


class Measure(StrEnum):
    """What is counted. Opens and clicks by a person count once a message, on the day of the first."""

    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    MACHINE_OPENED = "machine_opened"
    MACHINE_CLICKED = "machine_clicked"


class Level(StrEnum):
    """What stands at a height at the end of a day; the rows of today are those of the last roll-up."""

    LEADS = "leads"
    ACTIVE = "active_leads"
    PROSPECTS = "prospects"
    CUSTOMERS = "customers"
    UNDER_WAY = "under_way"
    COMPLETED = "completed"
    EXITED = "exited"
    HELD_OUT = "held_out"


_BY_EVENT = {
    EventKind.EMAIL_DELIVERED: Measure.DELIVERED,
    EventKind.EMAIL_REPLIED: Measure.REPLIED,
    EventKind.EMAIL_BOUNCED: Measure.BOUNCED,
    EventKind.EMAIL_COMPLAINED: Measure.COMPLAINED,
    EventKind.UNSUBSCRIBED: Measure.UNSUBSCRIBED,
}
_BY_PERSON = {EventKind.EMAIL_OPENED: Measure.OPENED, EventKind.EMAIL_CLICKED: Measure.CLICKED}
_BY_MACHINE = {
    EventKind.EMAIL_OPENED: Measure.MACHINE_OPENED,
    EventKind.EMAIL_CLICKED: Measure.MACHINE_CLICKED,
}


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the organisation's calendar and the half-open interval of instants that it covers."""

    date: date
    start: datetime
    end: datetime


def count_days(session: Session, days: Iterable[Day]) -> int:
    """Count these days anew from messages and events; returns how many sums were written.

    Each count reads one range of one index, so it costs what happened on that day and no more.
    """
    written = 0
    for day in days:
        rows = [
            {"day": day.date, "campaign": campaign or "", "measure": measure, "number": number}
            for measure, statement in _statements(day)
            for campaign, number in session.execute(statement)
        ]
        counted = DailyCount.measure.in_(tuple(Measure))
        session.execute(delete(DailyCount).where(DailyCount.day == day.date, counted))
        if rows:
            session.execute(insert(DailyCount), rows)
        written += len(rows)
    return written


def _statements(day: Day) -> Iterable[tuple[Measure, Select[str | None, int]]]:
    yield Measure.SENT, _sent(day)
    for kind, measure in _BY_EVENT.items():
        yield measure, _events(day, kind)
    for kind, measure in _BY_PERSON.items():
        yield measure, _events(day, kind, *_first_by_person(kind))
    for kind, measure in _BY_MACHINE.items():
        yield measure, _events(day, kind, EventRow.verdict == Verdict.MACHINE)


def _sent(day: Day) -> Select[str | None, int]:
    return (
        select(Campaign.slug, func.count())
        .select_from(Message)
        .join(Campaign, Campaign.id == Message.campaign_id)
        .where(Message.sent_at >= day.start, Message.sent_at < day.end, Message.kind == "campaign")
        .group_by(Campaign.slug)
    )


def _events(day: Day, kind: EventKind, *more: ColumnElement[bool]) -> Select[str | None, int]:
    return (
        select(EventRow.campaign, func.count())
        .where(EventRow.kind == kind, EventRow.at >= day.start, EventRow.at < day.end, *more)
        .group_by(EventRow.campaign)
    )


def _first_by_person(kind: EventKind) -> tuple[ColumnElement[bool], ...]:
    """The event is a person's, and none of the same kind for the same message is earlier."""
    earlier = aliased(EventRow)
    before = exists().where(
        earlier.message_id == EventRow.message_id,
        earlier.kind == kind,
        earlier.verdict.in_(HUMAN_EVIDENCE),
        tuple_(earlier.at, earlier.id) < tuple_(EventRow.at, EventRow.id),
    )
    return EventRow.verdict.in_(HUMAN_EVIDENCE), EventRow.message_id.is_not(None), ~before


# --- levels --------------------------------------------------------------------------------------

_STATUS_LEVELS = {
    "active": Level.UNDER_WAY,
    "paused": Level.UNDER_WAY,
    "completed": Level.COMPLETED,
    "exited": Level.EXITED,
    "holdout": Level.HELD_OUT,
}


def lead_levels(session: Session) -> dict[Level, int]:
    """How many leads there are now; active ones are leads and prospects that may be mailed."""
    mailable = func.sum(case((Lead.mailable.is_(True), 1), else_=0))
    rows = session.execute(
        select(Lead.lifecycle, func.count(), mailable)
        .where(Lead.erased_at.is_(None))
        .group_by(Lead.lifecycle)
    )
    levels = dict.fromkeys((Level.LEADS, Level.ACTIVE, Level.PROSPECTS, Level.CUSTOMERS), 0)
    for lifecycle, number, may_be_mailed in rows:
        levels[Level.LEADS] += number
        if lifecycle in (Lifecycle.LEAD, Lifecycle.PROSPECT):
            levels[Level.ACTIVE] += may_be_mailed
        if lifecycle == Lifecycle.PROSPECT:
            levels[Level.PROSPECTS] += number
        if lifecycle == Lifecycle.CUSTOMER:
            levels[Level.CUSTOMERS] += number
    return levels


def campaign_levels(session: Session) -> dict[str, dict[Level, int]]:
    """How many passages each campaign has now, by its slug."""
    rows = session.execute(
        select(Campaign.slug, Enrollment.status, func.count())
        .join(Enrollment, Enrollment.campaign_id == Campaign.id)
        .group_by(Campaign.slug, Enrollment.status)
    )
    levels: dict[str, dict[Level, int]] = {}
    for slug, status, number in rows:
        level = _STATUS_LEVELS.get(status)
        if level is not None:
            held = levels.setdefault(slug, {})
            held[level] = held.get(level, 0) + number
    return levels


def note_levels(session: Session, today: date) -> int:
    """Write today's levels down; returns how many."""
    by_campaign = {"": lead_levels(session), **campaign_levels(session)}
    rows = [
        {"day": today, "campaign": campaign, "measure": level, "number": number}
        for campaign, levels in by_campaign.items()
        for level, number in levels.items()
    ]
    noted = DailyCount.measure.in_(tuple(Level))
    session.execute(delete(DailyCount).where(DailyCount.day == today, noted))
    session.execute(insert(DailyCount), rows)
    return len(rows)


def levels_on(session: Session, day: date) -> dict[str, dict[Level, int]]:
    """The levels of the newest day up to `day`, by campaign; those of the leads stand under `""`."""
    known = select(func.max(DailyCount.day)).where(
        DailyCount.day <= day, DailyCount.campaign == "", DailyCount.measure == Level.LEADS
    )
    rows = session.execute(
        select(DailyCount.campaign, DailyCount.measure, DailyCount.number).where(
            DailyCount.day == known.scalar_subquery(), DailyCount.measure.in_(tuple(Level))
        )
    )
    found: dict[str, dict[Level, int]] = {}
    for campaign, level, number in rows:
        found.setdefault(campaign, {})[Level(level)] = number
    return found


# --- reading -------------------------------------------------------------------------------------


def sums(session: Session, first: date, last: date) -> dict[Measure, int]:
    """Each measure over all campaigns from `first` to `last`, both included."""
    rows = session.execute(
        select(DailyCount.measure, func.sum(DailyCount.number))
        .where(DailyCount.day.between(first, last), DailyCount.measure.in_(tuple(Measure)))
        .group_by(DailyCount.measure)
    )
    found = {Measure(measure): int(number) for measure, number in rows}
    return {measure: found.get(measure, 0) for measure in Measure}


def totals(session: Session) -> dict[Measure, int]:
    """Each measure over all campaigns and days."""
    return sums(session, date.min, date.max)


def sums_by_day(session: Session, first: date, last: date) -> dict[date, dict[Measure, int]]:
    """Each measure over all campaigns by day; days on which nothing happened are left out."""
    return _sums_by(session, DailyCount.day, first, last)


def sums_by_campaign(session: Session, first: date, last: date) -> dict[str, dict[Measure, int]]:
    """Each measure from `first` to `last`, both included, by the campaign's slug."""
    return _sums_by(session, DailyCount.campaign, first, last)


def _sums_by(
    session: Session, column: InstrumentedAttribute[Group], first: date, last: date
) -> dict[Group, dict[Measure, int]]:
    rows = session.execute(
        select(column, DailyCount.measure, func.sum(DailyCount.number))
        .where(DailyCount.day.between(first, last), DailyCount.measure.in_(tuple(Measure)))
        .group_by(column, DailyCount.measure)
    )
    found: dict[Group, dict[Measure, int]] = {}
    for group, measure, number in rows:
        found.setdefault(group, {})[Measure(measure)] = int(number)
    return found


def newest_day(session: Session) -> date | None:
    """The newest day that was counted with something on it."""
    return session.scalar(select(func.max(DailyCount.day)))
