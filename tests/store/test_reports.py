"""The reads behind the pages: lists, their filters and orders, the latest activity."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from nurture.domain.events import EventKind, Verdict
from nurture.domain.values import Score
from nurture.store.base import reading, writing
from nurture.store.events import NewEvent, record_events
from nurture.store.reports import outbox, tasks
from nurture.store.reports.activity import latest_activity
from nurture.store.reports.counting import Count, count_up_to
from nurture.store.reports.health import queues
from nurture.store.reports.leads import LeadQuery, LeadSort, Warmth, known_tags, lead_page
from nurture.store.schema import (
    Company,
    Generation,
    LadderChange,
    Lead,
    LeadTag,
    Message,
    ScoreRow,
    Task,
    User,
)  # fmt: skip

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.fixture
def people(engine: Engine) -> Engine:
    """Ana (60 points), Bo (30) and Çelik (no score), two of them at Quill."""
    rows = (
        (1, "Ana", "Lima", "prospect", "decision", "A", True, 60.0, 1),
        (2, "Bo", "Élan", "lead", "interest", "–", False, 30.0, 1),
        (3, None, "Çelik", "lead", "awareness", "B", True, None, None),
    )
    with writing(engine) as session:
        session.add(Company(id=1, name="Quill 100% Ltd", industry="software", created_at=NOW, updated_at=NOW))
        session.add(
            Generation(id=1, status="active", rules={}, half_life_seconds=1, created_at=NOW, built_to_lead=0)
        )
        session.flush()
        for id_, first, last, lifecycle, stage, fit, mailable, points, company in rows:
            address = f"{last.lower()}@example.com"
            session.add(
                Lead(id=id_, address=address, first_name=first, last_name=last, lifecycle=lifecycle,
                     stage=stage, fit=fit, mailable=mailable, company_id=company,
                     created_at=NOW + timedelta(hours=id_),
                     updated_at=NOW, search=f"{first or ''} {last} {address} quill 100% ltd".casefold())
            )  # fmt: skip
            session.flush()
            if points:
                score = Score(points, NOW)
                heat = score.heat(MONTH)
                session.add(ScoreRow(generation=1, lead_id=id_, value=points, as_of=NOW, heat=heat))
        session.add(LeadTag(lead_id=1, tag="fair", since=NOW))
    return engine


def found(engine: Engine, query: LeadQuery) -> list[int]:
    with reading(engine) as session:
        return [row.id for row in lead_page(session, query).rows]


def warm(at_least: float | None, below: float | None) -> Warmth:
    return Warmth(at_least, below, NOW, MONTH)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (LeadQuery(), [3, 2, 1]),
        (LeadQuery(search="ANA lima"), [1]),
        (LeadQuery(search="100%"), [3, 2, 1]),
        (LeadQuery(search="1_0"), []),
        (LeadQuery(search="ÇELİK".replace("İ", "I")), [3]),
        (LeadQuery(lifecycle="lead"), [3, 2]),
        (LeadQuery(stage="decision"), [1]),
        (LeadQuery(fit="–"), [2]),
        (LeadQuery(tag="fair"), [1]),
        (LeadQuery(mailable=False), [2]),
        (LeadQuery(warmth=warm(60, None)), [1]),
        (LeadQuery(warmth=warm(30, 60)), [2]),
        (LeadQuery(warmth=warm(None, 30)), [3]),
        (LeadQuery(lifecycle="lead", mailable=True), [3]),
    ],
)
def test_filters_find_whom_they_name(people: Engine, query: LeadQuery, ids: list[int]) -> None:
    assert found(people, query) == ids


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        (LeadSort.NEWEST, [3, 2, 1]),
        (LeadSort.OLDEST, [1, 2, 3]),
        (LeadSort.WARMEST, [1, 2, 3]),
        (LeadSort.COMPANY, [1, 2, 3]),
    ],
)
def test_orders(people: Engine, sort: LeadSort, ids: list[int]) -> None:
    assert found(people, LeadQuery(sort=sort)) == ids


def test_sorting_by_name_knows_every_lead_once(people: Engine) -> None:
    assert sorted(found(people, LeadQuery(sort=LeadSort.NAME))) == [1, 2, 3]


def test_a_page_beyond_the_last_is_the_last(people: Engine) -> None:
    with reading(people) as session:
        page = lead_page(session, LeadQuery(page=99))
    assert (page.page, page.pages, page.first, page.last, str(page.total)) == (1, 1, 1, 3, "3")


def test_an_empty_list_has_one_page(engine: Engine) -> None:
    with reading(engine) as session:
        page = lead_page(session, LeadQuery())
        assert known_tags(session) == ()
    assert (page.rows, page.pages, page.first, page.last) == ((), 1, 0, 0)


def test_counting_stops_at_its_limit(people: Engine) -> None:
    with reading(people) as session:
        assert count_up_to(session, select(Lead.id), 3) == Count(3)
        assert str(count_up_to(session, select(Lead.id), 2)) == "2+"
        assert not count_up_to(session, select(Lead.id).where(Lead.id > 9), 2)


def test_the_latest_activity_is_people_s_and_not_machines(people: Engine) -> None:
    events = [
        NewEvent("t", "1", 1, EventKind.EMAIL_OPENED, NOW - timedelta(minutes=3), Verdict.HUMAN),
        NewEvent("t", "2", 2, EventKind.EMAIL_CLICKED, NOW - timedelta(minutes=1), Verdict.MACHINE),
        NewEvent("t", "3", 3, EventKind.DEMO_REQUESTED, NOW - timedelta(minutes=2)),
        NewEvent("t", "4", 3, EventKind.IMPORTED, NOW),
    ]
    with writing(people) as session:
        record_events(session, events, NOW)
        for from_, to, minutes in ((None, "suspect", 0), ("lead", "prospect", 4)):
            session.add(
                LadderChange(lead_id=1, ladder="lifecycle", from_=from_, to=to, rule="x", recorded_at=NOW,
                             at=NOW - timedelta(minutes=minutes))
            )  # fmt: skip
    with reading(people) as session:
        latest = latest_activity(session, 10)
        newest = latest_activity(session, 1)
    assert [(row.lead_id, row.kind, row.what) for row in latest] == [
        (3, "demo_requested", ""),
        (1, "email_opened", ""),
        (1, "lifecycle", "prospect"),
    ]
    assert newest == latest[:1]
    assert latest[0].name == "Çelik"


def test_open_tasks_come_by_urgency_and_closed_ones_by_age(people: Engine) -> None:
    with writing(people) as session:
        session.add(User(id=1, address="o@example.com", role="editor", created_at=NOW))
        session.flush()
        for number, (status, due) in enumerate((("open", None), ("open", 2), ("open", 1), ("closed", 0)), 1):
            session.add(
                Task(id=number, lead_id=1, kind="reply", dedupe_key=str(number), title="t", status=status,
                     due_at=None if due is None else NOW + timedelta(hours=due), created_at=NOW, owner_id=1,
                     closed_at=NOW if status == "closed" else None)
            )  # fmt: skip
    with reading(people) as session:
        assert [task.id for task in tasks.tasks(session, "open")] == [3, 2, 1]
        assert [task.id for task in tasks.tasks(session, "closed")] == [4]
        assert [task.id for task in tasks.tasks_of(session, 1)] == [4, 3, 2, 1]
        assert tasks.open_tasks(session) == Count(3)
        assert tasks.tasks(session, "open")[0].owner == "o@example.com"


@pytest.fixture
def messages(people: Engine) -> Engine:
    """One message in every state."""
    with writing(people) as session:
        for number, state in enumerate(outbox.STATES, 1):
            session.add(
                Message(id=number, mid=f"m{number}", lead_id=1, state=state, planned_at=NOW,
                        due_at=NOW - timedelta(minutes=number), sent_at=NOW if state == "sent" else None)
            )  # fmt: skip
        session.add(Message(id=20, mid="m20", lead_id=1, planned_at=NOW, due_at=NOW + timedelta(hours=1)))
    return people


@pytest.mark.parametrize("state", outbox.STATES)
def test_the_outbox_lists_each_state(messages: Engine, state: str) -> None:
    with reading(messages) as session:
        rows = outbox.message_rows(session, state, 1)
        nothing = outbox.message_rows(session, state, 2)
    assert {row.state for row in rows} == {state}
    assert nothing == ()


def test_the_outbox_lists_all_the_newest_first(messages: Engine) -> None:
    with reading(messages) as session:
        assert [row.id for row in outbox.message_rows(session, "", 1)] == [20, 8, 7, 6, 5, 4, 3, 2, 1]


def test_what_is_due_first_comes_first_among_the_pending(messages: Engine) -> None:
    with reading(messages) as session:
        assert [row.id for row in outbox.message_rows(session, "pending", 1)] == [1, 20]


def test_queues_count_what_is_due_and_since_when(messages: Engine) -> None:
    with reading(messages) as session:
        waiting = queues(session, NOW)
        doubts = outbox.in_doubt(session)
    assert waiting.messages_due == Count(1)
    assert waiting.lag(NOW) == timedelta(minutes=1)
    assert (waiting.in_doubt, waiting.failed) == (Count(1), Count(1))
    assert [row.mid for row in doubts] == ["m6"]


def test_an_idle_house_is_not_late(engine: Engine) -> None:
    with reading(engine) as session:
        waiting = queues(session, NOW)
    assert waiting.lag(NOW) == timedelta()
