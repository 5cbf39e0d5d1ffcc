"""Schedules: the instants at which they fire, and whom a firing is for."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.values import CompanyView, LeadView
from nurture.store.schema import Campaign, Company, Fire, Lead

DUE, FIRED, MISSED, ASKS, NEXT = "due", "fired", "missed", "asks", "next"

_NO_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)
_EVERY_ZONE = "*"
"""The row of a campaign that says when to look for instants again has this instant and this zone."""


def campaigns_to_look_at(session: Session, campaign_ids: Collection[int], now: datetime) -> set[int]:
    """Those of the campaigns whose schedule may fire by `now`."""
    later = session.scalars(
        select(Fire.campaign_id).where(Fire.campaign_id.in_(campaign_ids), Fire.status == NEXT, Fire.at > now)
    )
    return set(campaign_ids) - set(later)


def look_again_at(session: Session, campaign_id: int, moment: datetime) -> None:
    """Note when this campaign's schedule may fire next."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = {
        "campaign_id": campaign_id,
        "instant": _NO_INSTANT,
        "zone": _EVERY_ZONE,
        "status": NEXT,
        "at": moment,
    }
    statement = upsert(Fire).values({**row, "entered": 0, "reached": 0})
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Fire.campaign_id, Fire.instant, Fire.zone], set_={"at": statement.excluded.at}
        )
    )


def last_instants(session: Session, campaign_id: int) -> dict[str, datetime]:
    """The last instant of each zone that has been dealt with."""
    rows = session.execute(
        select(Fire.zone, func.max(Fire.instant))
        .where(Fire.campaign_id == campaign_id, Fire.status != NEXT)
        .group_by(Fire.zone)
    )
    return {zone: instant for zone, instant in rows}  # noqa: C416 - rows are no pairs to mypy.


@dataclass(frozen=True, slots=True)
class NewFire:
    """An instant at which a schedule fires in a zone, and what is to become of it."""

    campaign_id: int
    instant: datetime
    zone: str
    status: str


def note_fires(session: Session, fires: Sequence[NewFire], now: datetime) -> None:
    """Write instants down, once for ever."""
    if not fires:
        return
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [
        {
            "campaign_id": fire.campaign_id,
            "instant": fire.instant,
            "zone": fire.zone,
            "status": fire.status,
            "at": now,
            "entered": 0,
            "reached": 0,
        }
        for fire in fires
    ]
    session.connection().execute(upsert(Fire).on_conflict_do_nothing(), rows)


@dataclass(frozen=True, slots=True)
class DueFire:
    """A firing whose audience is being let in; `reached` is the last lead that was looked at."""

    campaign_id: int
    instant: datetime
    zone: str
    reached: int


def due_fires(session: Session) -> list[DueFire]:
    """The firings of running campaigns whose audience is not in yet, oldest first."""
    rows = session.execute(
        select(Fire.campaign_id, Fire.instant, Fire.zone, Fire.reached)
        .join(Campaign, Campaign.id == Fire.campaign_id)
        .where(Fire.status == DUE, Campaign.status == "active")
        .order_by(Fire.instant, Fire.campaign_id, Fire.zone)
    )
    return [DueFire(*row) for row in rows]


def hold_fire(session: Session, fire: DueFire) -> bool:
    """Take hold of a firing; False where somebody else works on it, or has got further already."""
    row = session.execute(
        select(Fire.status, Fire.reached).where(*_is(fire)).with_for_update(skip_locked=True)
    ).one_or_none()
    return row is not None and tuple(row) == (DUE, fire.reached)


def advance_fire(session: Session, fire: DueFire, reached: int | None, entered: int) -> None:
    """Note how far a firing has got; None means that everybody has been looked at."""
    progress = {"status": FIRED} if reached is None else {"reached": reached}
    session.execute(update(Fire).where(*_is(fire)).values(entered=Fire.entered + entered, **progress))


def _is(fire: DueFire) -> tuple[ColumnElement[bool], ...]:
    return (Fire.campaign_id == fire.campaign_id, Fire.instant == fire.instant, Fire.zone == fire.zone)


@dataclass(frozen=True, slots=True)
class LateFire:
    """An instant that was found too late, and in how many zones it asks whether it still should fire."""

    slug: str
    name: str
    instant: datetime
    zones: int


def late(session: Session) -> list[LateFire]:
    """The instants that ask, oldest first."""
    rows = session.execute(
        select(Campaign.slug, Campaign.name, Fire.instant, func.count())
        .join(Campaign, Campaign.id == Fire.campaign_id)
        .where(Fire.status == ASKS)
        .group_by(Campaign.slug, Campaign.name, Fire.instant)
        .order_by(Fire.instant, Campaign.slug)
    )
    return [LateFire(*row) for row in rows]


def answer(session: Session, campaign_id: int, instant: datetime, fires: bool) -> int:
    """Let a schedule fire that asks whether it still should, or not; returns in how many zones it asked."""
    answered = session.scalars(
        update(Fire)
        .where(Fire.campaign_id == campaign_id, Fire.instant == instant, Fire.status == ASKS)
        .values(status=DUE if fires else MISSED)
        .returning(Fire.zone)
    )
    return len(answered.all())


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """All that tells in which zone a lead lives: its own zone and country, and its company's."""

    zone: str | None
    country: str | None
    company_zone: str | None
    company_country: str | None

    def as_lead(self) -> LeadView:
        """Somebody who lives there."""
        company = CompanyView(0, zone=self.company_zone, country=self.company_country)
        return LeadView(0, "", _NO_INSTANT, zone=self.zone, country=self.country, company=company)


def whereabouts(session: Session) -> list[Whereabouts]:
    """Every combination that there is among leads."""
    rows = session.execute(
        select(Lead.zone, Lead.country, Company.zone, Company.country)
        .outerjoin(Company, Company.id == Lead.company_id)
        .where(Lead.erased_at.is_(None))
        .distinct()
    )
    return [Whereabouts(*row) for row in rows]


def audience(
    session: Session,
    meets: ColumnElement[bool],
    places: Iterable[Whereabouts] | None,
    fire: DueFire,
    limit: int,
) -> tuple[int, ...]:
    """The next leads of a firing's audience, in the order of their ids; those of all places where None."""
    where = true() if places is None else or_(*(_lives(place) for place in places))
    statement = (
        select(Lead.id)
        .outerjoin(Company, Company.id == Lead.company_id)
        .where(Lead.id > fire.reached, Lead.erased_at.is_(None), where, meets)
        .order_by(Lead.id)
        .limit(limit)
    )
    return tuple(session.scalars(statement))


def _lives(place: Whereabouts) -> ColumnElement[bool]:
    columns = (Lead.zone, Lead.country, Company.zone, Company.country)
    values = (place.zone, place.country, place.company_zone, place.company_country)
    return and_(
        *(
            column.is_(None) if value is None else column == value
            for column, value in zip(columns, values, strict=True)
        )
    )
