"""Sums by day: what is counted, once, on which day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select, update

from nurture.domain.events import EventKind, Verdict
from nurture.services.rollup import day_of
from nurture.store import rollups
from nurture.store.base import reading, writing
from nurture.store.events import NewEvent, record_events
from nurture.store.rollups import Day, Level, Measure
from nurture.store.schema import Campaign, CampaignVersion, DailyCount, Enrollment, EventRow, Lead, Message

MONDAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
UTC_DAY = day_of(MONDAY, ZoneInfo("UTC"))


@pytest.fixture
def house(engine: Engine) -> Engine:
    """One campaign, three leads, two messages sent on Monday and one on Tuesday."""
    with writing(engine) as session:
        session.add(Campaign(id=1, slug="welcome", name="Welcome", status="active", created_at=NOON))
        session.flush()
        version = CampaignVersion(id=1, campaign_id=1, number=1, definition={}, digest="x", created_at=NOON)
        session.add(version)
        lifecycles = (("lead", True), ("prospect", True), ("customer", False))
        for number, (lifecycle, mailable) in enumerate(lifecycles, 1):
            session.add(
                Lead(id=number, address=f"{number}@example.com", lifecycle=lifecycle, mailable=mailable,
                     created_at=NOON, updated_at=NOON)
            )  # fmt: skip
        session.flush()
        for number, sent_at in enumerate((NOON, NOON, NOON + timedelta(days=1)), 1):
            session.add(
                Message(id=number, mid=f"m{number}", lead_id=number, campaign_id=1, step="a", state="sent",
                        planned_at=NOON, due_at=NOON, sent_at=sent_at)
            )  # fmt: skip
    return engine


def hit(kind: EventKind, message_id: int, at: datetime, verdict: Verdict | None, key: str = "") -> NewEvent:
    name = f"{kind}{message_id}{at}{key}"
    return NewEvent("t", name, message_id, kind, at, verdict, message_id, campaign="welcome")


def counted(engine: Engine, *days: Day) -> dict[Measure, int]:
    with writing(engine) as session:
        rollups.count_days(session, days or (UTC_DAY,))
    with reading(engine) as session:
        return {
            measure: number for measure, number in rollups.sums(session, date.min, date.max).items() if number
        }


def record(engine: Engine, *events: NewEvent) -> None:
    with writing(engine) as session:
        record_events(session, events, NOON)


def test_mails_count_on_the_day_they_were_sent(house: Engine) -> None:
    assert counted(house) == {Measure.SENT: 2}


def test_counting_a_day_twice_changes_nothing(house: Engine) -> None:
    assert counted(house) == counted(house)


def test_a_message_is_opened_once_however_often_a_person_looks(house: Engine) -> None:
    record(
        house,
        hit(EventKind.EMAIL_OPENED, 1, NOON + timedelta(hours=1), Verdict.HUMAN),
        hit(EventKind.EMAIL_OPENED, 1, NOON + timedelta(hours=2), Verdict.PROXY),
        hit(EventKind.EMAIL_OPENED, 1, NOON + timedelta(days=1), Verdict.HUMAN),
        hit(EventKind.EMAIL_OPENED, 2, NOON + timedelta(days=1), Verdict.HUMAN),
    )
    tuesday = day_of(MONDAY + timedelta(days=1), ZoneInfo("UTC"))
    assert counted(house, UTC_DAY, tuesday) == {Measure.SENT: 3, Measure.OPENED: 2}


def test_two_opens_in_the_same_instant_are_one(house: Engine) -> None:
    first = hit(EventKind.EMAIL_OPENED, 1, NOON, Verdict.HUMAN, "a")
    record(house, first, hit(EventKind.EMAIL_OPENED, 1, NOON, Verdict.HUMAN, "b"))
    assert counted(house)[Measure.OPENED] == 1


def test_machines_are_counted_apart(house: Engine) -> None:
    record(
        house,
        hit(EventKind.EMAIL_CLICKED, 1, NOON, Verdict.MACHINE),
        hit(EventKind.EMAIL_CLICKED, 1, NOON + timedelta(minutes=1), Verdict.UNKNOWN),
        hit(EventKind.EMAIL_CLICKED, 1, NOON + timedelta(minutes=2), Verdict.HUMAN),
    )
    assert counted(house) == {Measure.SENT: 2, Measure.CLICKED: 1, Measure.MACHINE_CLICKED: 1}


def test_a_revised_verdict_is_counted_anew(house: Engine) -> None:
    record(house, hit(EventKind.EMAIL_CLICKED, 1, NOON, Verdict.HUMAN))
    assert Measure.CLICKED in counted(house)
    with writing(house) as session:
        session.execute(update(EventRow).values(verdict=Verdict.MACHINE))
    assert counted(house) == {Measure.SENT: 2, Measure.MACHINE_CLICKED: 1}


@pytest.mark.parametrize(
    ("kind", "measure"),
    [
        (EventKind.EMAIL_DELIVERED, Measure.DELIVERED),
        (EventKind.EMAIL_REPLIED, Measure.REPLIED),
        (EventKind.EMAIL_BOUNCED, Measure.BOUNCED),
        (EventKind.EMAIL_COMPLAINED, Measure.COMPLAINED),
        (EventKind.UNSUBSCRIBED, Measure.UNSUBSCRIBED),
    ],
)
def test_other_events_count_each(house: Engine, kind: EventKind, measure: Measure) -> None:
    record(house, hit(kind, 1, NOON, None))
    assert counted(house)[measure] == 1


def test_a_day_belongs_to_the_organisation_s_zone(house: Engine) -> None:
    # Noon in UTC is Monday's last hour but one in Kiritimati's Tuesday.
    assert counted(house, day_of(MONDAY, ZoneInfo("Pacific/Kiritimati"))) == {}
    assert counted(house, day_of(MONDAY + timedelta(days=1), ZoneInfo("Pacific/Kiritimati"))) == {
        Measure.SENT: 2
    }


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (MONDAY, 24)])
def test_a_day_is_as_long_as_its_clocks_make_it(day: date, hours: int) -> None:
    found = day_of(day, ZoneInfo("Europe/Lisbon"))
    assert found.end.astimezone(UTC) - found.start.astimezone(UTC) == timedelta(hours=hours)


def test_sums_are_kept_apart_by_day_and_campaign(house: Engine) -> None:
    counted(house, UTC_DAY, day_of(MONDAY + timedelta(days=1), ZoneInfo("UTC")))
    with reading(house) as session:
        by_day = rollups.sums_by_day(session, MONDAY, MONDAY + timedelta(days=5))
        by_campaign = rollups.sums_by_campaign(session, MONDAY, MONDAY)
    assert by_day == {MONDAY: {Measure.SENT: 2}, MONDAY + timedelta(days=1): {Measure.SENT: 1}}
    assert by_campaign == {"welcome": {Measure.SENT: 2}}


def test_levels_say_how_many_leads_there_are(house: Engine) -> None:
    with reading(house) as session:
        assert rollups.lead_levels(session) == {
            Level.LEADS: 3,
            Level.ACTIVE: 2,
            Level.PROSPECTS: 1,
            Level.CUSTOMERS: 1,
        }


def test_levels_are_noted_by_day_and_read_back_as_of_a_day(house: Engine) -> None:
    with writing(house) as session:
        for number, status in enumerate(("active", "paused", "completed"), 1):
            session.add(
                Enrollment(campaign_id=1, version_id=1, lead_id=number, cause="x", status=status, since=NOON,
                           entered_at=NOON)
            )  # fmt: skip
        session.flush()
        rollups.note_levels(session, MONDAY)
        session.execute(update(Lead).where(Lead.id == 1).values(erased_at=NOON))
        rollups.note_levels(session, MONDAY + timedelta(days=3))
    with reading(house) as session:
        monday, wednesday, later, before = (
            rollups.levels_on(session, MONDAY + timedelta(days=age)) for age in (0, 2, 3, -1)
        )
    assert monday == wednesday
    assert monday["welcome"] == {Level.UNDER_WAY: 2, Level.COMPLETED: 1}
    assert (monday[""][Level.LEADS], later[""][Level.LEADS]) == (3, 2)
    assert before == {}


def test_counting_days_leaves_the_levels_alone(house: Engine) -> None:
    with writing(house) as session:
        rollups.note_levels(session, MONDAY)
        rollups.count_days(session, [UTC_DAY])
        levels = session.scalars(select(DailyCount.measure).where(DailyCount.measure.in_(tuple(Level)))).all()
    assert len(levels) == 4
