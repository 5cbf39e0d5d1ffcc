"""What processing an event brings about, and that nothing is done twice or lost on the way."""

import random
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from nurture.clock import FixedClock
from nurture.domain.events import EventKind, Verdict
from nurture.domain.scoring.decay import total
from nurture.services.process import process
from nurture.services.runtime import Runtime
from nurture.services.verdicts import Revision, revise
from nurture.store import inbox
from nurture.store.base import reading
from nurture.store.events import NewEvent, record_events
from nurture.store.inbox import MAX_ATTEMPTS
from nurture.store.schema import (
    Enrollment,
    EventRow,
    Inbox,
    LadderChange,
    Lead,
    Recheck,
    ScoreEntry,
    ScoreRow,
    Suppression,
    Task,
)
from nurture.store.scores import ledgers
from tests.support.runtimes import runtime_on, settings_for
from tests.support.stage import Stage

HALF_LIFE = timedelta(days=30)
CLICK, OPEN, VISIT = EventKind.EMAIL_CLICKED, EventKind.EMAIL_OPENED, EventKind.PAGE_VISITED


@dataclass(frozen=True)
class House(Stage):
    """A house in which events are recorded and processed."""

    settings_in: Path = Path()

    @property
    def runtime(self) -> Runtime:
        """With the keys that suppressions need."""
        return runtime_on(self.engine, self.clock, settings_for(self.settings_in))

    def record(self, lead_id: int, kind: str, at: datetime | None = None, **more: Any) -> int:
        """An event that waits in the inbox; gives its id."""
        numbers = self.__dict__.setdefault("_numbers", iter(range(10**9)))
        judged = {"verdict": Verdict.HUMAN} if kind in (CLICK, OPEN) else {}
        event = NewEvent("test", str(next(numbers)), lead_id, kind, at or self.now, **(judged | more))
        self.write(lambda session: record_events(session, [event], self.now))
        return event.id

    def process(self) -> int:
        """Process until nothing is left to do."""
        done = 0
        while did := process(self.runtime, self.now, 500):
            done += did
        return done

    def revise(self, event_id: int, verdict: Verdict) -> None:
        """Think otherwise of a click or an open."""
        self.write(lambda session: revise(session, [Revision(event_id, verdict, ("test",))], self.now))

    def engagement(self, lead_id: int) -> float:
        """The engagement as it is kept, now."""
        rows = self.rows(ScoreRow, lead_id=lead_id)
        return rows[0].value * 2 ** -((self.now - rows[0].as_of) / HALF_LIFE) if rows else 0.0

    def summed(self, lead_id: int) -> float:
        """The engagement as the ledger adds up to, now."""
        with reading(self.engine) as session:
            score = total(ledgers(session, [1], [lead_id]).get((1, lead_id), ()), HALF_LIFE)
        return score.at(self.now, HALF_LIFE) if score else 0.0

    def standing(self, lead_id: int) -> tuple[str, str]:
        """Lifecycle and stage as they are kept on the lead."""
        (lead,) = self.rows(Lead, id=lead_id)
        return lead.lifecycle, lead.stage

    def standing_by_ledger(self, lead_id: int) -> tuple[str, str]:
        """Lifecycle and stage as the moves led there."""
        there = {"lifecycle": "lead", "stage": "awareness"}
        for change in self.rows(LadderChange, lead_id=lead_id):
            assert change.from_ == there[change.ladder]
            there[change.ladder] = change.to
        return there["lifecycle"], there["stage"]


@pytest.fixture
def house(engine: Engine, clock: FixedClock, tmp_path: Path) -> House:
    """An empty house with the built-in rules."""
    return House(engine, clock, tmp_path)


# --- scores and ladders ------------------------------------------------------------------------


def test_a_persons_click_moves_score_and_stage(house: House) -> None:
    lead = house.lead()
    click = house.record(lead, CLICK, message_id=7)

    assert house.process() == 1

    assert house.engagement(lead) == 8
    assert house.standing(lead) == ("lead", "interest")
    (change,) = house.rows(LadderChange)
    assert (change.rule, change.from_, change.to, change.at) == (
        "interested",
        "awareness",
        "interest",
        house.now,
    )
    (entry,) = house.rows(ScoreEntry)
    assert (entry.rule, entry.dedupe_key, entry.event_id, entry.net) == (
        "clicked-email",
        "message:7",
        click,
        8,
    )
    assert house.rows(Inbox) == []
    assert [row.lead_id for row in house.rows(Recheck)] == [lead]


def test_a_machines_click_moves_nothing(house: House) -> None:
    lead = house.lead()
    house.record(lead, CLICK, verdict=Verdict.MACHINE)

    assert house.process() == 1

    assert house.rows(ScoreEntry) == []
    assert house.standing(lead) == ("lead", "awareness")


def test_a_revised_verdict_moves_the_score_back_and_unmoves_nobody(house: House) -> None:
    lead = house.lead()
    click = house.record(lead, CLICK)
    house.process()

    house.revise(click, Verdict.MACHINE)
    house.process()

    assert house.engagement(lead) == 0
    assert [(entry.seq, entry.net) for entry in house.rows(ScoreEntry)] == [(1, 8), (2, -8)]
    assert house.standing(lead) == ("lead", "interest")

    house.revise(click, Verdict.HUMAN)
    house.process()
    assert house.engagement(lead) == 8


def test_a_request_for_a_demonstration_qualifies(house: House) -> None:
    lead = house.lead(lifecycle="suspect")
    house.record(lead, "form_submitted", house.now - timedelta(seconds=2))
    house.record(lead, "demo_requested", house.now - timedelta(seconds=1))

    house.process()

    assert house.standing(lead) == ("prospect", "decision")


def test_fit_is_worked_out_anew(house: House) -> None:
    house.document(
        "scoring",
        """
        bands: {"1": 60, "2": 30, "3": 10}
        fit:
          grades: {A: 70, B: 45, C: 20}
          rules: [{key: retail, when: {field: company.industry, value: retail}, points: 50}]
        """,
    )
    lead = house.lead(company={"industry": "retail"})
    house.record(lead, "imported")

    house.process()

    (row,) = house.rows(Lead)
    assert (row.fit, row.fit_points, row.fit_coverage) == ("B", 50, 1)


def test_events_of_a_lead_that_is_gone_are_dropped(house: House) -> None:
    house.record(4711, VISIT)

    assert house.process() == 1
    assert house.rows(Inbox) == []


# --- any order, any crash ----------------------------------------------------------------------


def test_caches_equal_a_rebuild_from_the_ledgers(house: House) -> None:
    chance = random.Random(7)
    leads = [house.lead() for _ in range(6)]
    kinds = [CLICK, OPEN, VISIT, "form_submitted", "unsubscribed", "asset_downloaded", "demo_requested"]
    judged: list[int] = []
    for _ in range(12):
        for _ in range(10):
            kind = chance.choice(kinds)
            at = house.now - timedelta(hours=chance.randrange(72))
            message = chance.choice([None, 1, 2, 3])
            event = house.record(chance.choice(leads), kind, at, message_id=message)
            judged += [event] if kind in (CLICK, OPEN) else []
        for event in chance.sample(judged, min(3, len(judged))):
            house.revise(event, chance.choice(list(Verdict)))
        house.process()
        house.clock.advance(timedelta(hours=5))

    kept = {lead: house.engagement(lead) for lead in leads}
    assert kept == {lead: pytest.approx(house.summed(lead), abs=1e-9) for lead in leads}
    assert {lead: house.standing(lead) for lead in leads} == {
        lead: house.standing_by_ledger(lead) for lead in leads
    }

    _forget_scores(house)
    house.process()
    assert kept == {lead: pytest.approx(house.engagement(lead), abs=1e-9) for lead in leads}


def _forget_scores(house: House) -> None:
    """Throw ledger and scores away, and have every event processed again."""

    def forget(session: Session) -> None:
        session.query(ScoreEntry).delete()
        session.query(ScoreRow).delete()
        rows = session.execute(select(EventRow.id, EventRow.lead_id, EventRow.at))
        session.add_all([Inbox(event_id=row.id, lead_id=row.lead_id, at=row.at, attempts=0) for row in rows])

    house.write(forget)


def test_two_processors_do_the_work_once(house: House) -> None:
    leads = [house.lead() for _ in range(5)]
    for number in range(120):
        house.record(leads[number % 5], CLICK, house.now - timedelta(minutes=number), message_id=number)
    start = threading.Barrier(2)
    done: list[int] = []

    def work() -> None:
        start.wait()
        for _ in range(20):
            done.append(process(house.runtime, house.now, 30))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.process()

    assert house.rows(Inbox) == []
    for lead in leads:
        assert house.engagement(lead) == pytest.approx(house.summed(lead), abs=1e-9)
        assert len(house.rows(ScoreEntry, lead_id=lead, rule="clicked-email", reverses=None)) >= 24
        standing = {entry.event_id for entry in house.rows(ScoreEntry, lead_id=lead)}
        assert len(standing) == 24


# --- poison ------------------------------------------------------------------------------------


def _poison(house: House, event: int) -> None:
    house.write(lambda s: s.execute(update(EventRow).where(EventRow.id == event).values(verdict="nonsense")))


def test_a_poison_event_is_set_aside_and_stops_nobody(house: House) -> None:
    leads = [house.lead() for _ in range(3)]
    events = [house.record(lead, CLICK, message_id=lead) for lead in leads]
    _poison(house, events[1])
    house.record(leads[1], "form_submitted")

    house.process()

    assert [house.engagement(lead) for lead in leads] == [8, 10, 8]
    (left,) = house.rows(Inbox)
    assert (left.event_id, left.attempts) == (events[1], MAX_ATTEMPTS)
    assert "nonsense" in left.error
    assert process(house.runtime, house.now, 500) == 0


def test_what_was_set_aside_does_not_spoil_what_comes_later(house: House) -> None:
    lead = house.lead()
    _poison(house, house.record(lead, CLICK))
    house.process()

    house.record(lead, "form_submitted")
    house.process()

    assert house.engagement(lead) == 10


# --- wakes -------------------------------------------------------------------------------------

WAITS_FOR_A_CLICK = """
steps:
  - {key: pause, wait: {for: P30D, or_until: {event: email_clicked}}}
"""


def test_an_event_wakes_the_passages_that_wait_for_it(house: House) -> None:
    lead, other = house.lead(), house.lead()
    campaign = house.campaign(WAITS_FOR_A_CLICK)
    waiting, others = house.enroll(campaign, lead), house.enroll(campaign, other)
    house.tick()
    asleep = house.due_at(waiting)
    house.record(lead, VISIT)
    house.process()
    assert house.due_at(waiting) == asleep

    house.record(lead, CLICK, verdict=Verdict.MACHINE)
    house.process()
    assert house.due_at(waiting) == asleep

    house.record(lead, CLICK)
    house.process()
    assert house.due_at(waiting) == house.now
    assert house.due_at(others) == asleep


# --- hand-off ----------------------------------------------------------------------------------


def test_a_reply_hands_the_lead_over_and_silences_marketing(house: House) -> None:
    lead = house.lead()
    reply = house.record(lead, "email_replied", house.now - timedelta(minutes=1), campaign="welcome")

    house.process()

    (row,) = house.rows(Lead)
    assert row.conversation_since == house.now - timedelta(minutes=1)
    (task,) = house.rows(Task)
    assert (task.kind, task.lead_id, task.status, task.dedupe_key) == (
        "reply",
        lead,
        "open",
        f"reply:{reply}",
    )
    assert task.due_at > house.now


def test_an_automatic_reply_hands_nobody_over(house: House) -> None:
    house.record(house.lead(), "email_replied", verdict=Verdict.MACHINE)

    house.process()

    assert house.rows(Task) == []
    assert house.rows(Lead)[0].conversation_since is None


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data", "scope", "reason"),
    [
        ("email_complained", {}, "all", "complaint"),
        ("email_bounced", {"bounce": "hard"}, "all", "hard_bounce"),
        ("unsubscribed", {}, "marketing", "unsubscribe"),
        ("unsubscribed", {"scope": "topic:news"}, "topic:news", "unsubscribe"),
    ],
)
def test_who_refuses_is_not_mailed_any_more(
    house: House, kind: str, data: dict[str, Any], scope: str, reason: str
) -> None:
    lead = house.lead()
    house.record(lead, kind, data=data)

    house.process()

    (suppression,) = house.rows(Suppression)
    assert (suppression.address, suppression.scope, suppression.reason) == (
        "lead-1@example.com",
        scope,
        reason,
    )
    (row,) = house.rows(Lead)
    assert row.refused_topics == (["news"] if scope == "topic:news" else [])


@pytest.mark.parametrize("kind", ["email_bounced", "email_delivered"])
def test_a_soft_bounce_is_no_refusal(house: House, kind: str) -> None:
    house.record(house.lead(), kind, data={"bounce": "soft"})

    house.process()

    assert house.rows(Suppression) == []


def test_an_unsubscribe_that_was_taken_back_is_not_heeded_late(house: House) -> None:
    lead = house.lead()
    house.record(lead, "unsubscribed", house.now - timedelta(minutes=5))
    house.record(lead, "resubscribed", house.now - timedelta(minutes=4))

    house.process()

    assert house.rows(Suppression) == []


def test_an_unsubscribe_after_coming_back_is_heeded(house: House) -> None:
    lead = house.lead()
    house.record(lead, "resubscribed", house.now - timedelta(minutes=5))
    house.record(lead, "unsubscribed", house.now - timedelta(minutes=4))

    house.process()

    assert [row.scope for row in house.rows(Suppression)] == ["marketing"]


# --- entering ----------------------------------------------------------------------------------


def test_an_event_opens_the_campaign_that_waits_for_it(house: House) -> None:
    lead = house.lead()
    house.campaign(
        """
        entry: {event: form_submitted, where: {form: demo}}
        steps:
          - {key: pause, wait: {for: P30D}}
        """
    )
    house.record(lead, "form_submitted", data={"form": "news"})
    asked = house.record(lead, "form_submitted", data={"form": "demo"})

    house.process()

    assert [row.cause for row in house.rows(Enrollment)] == [f"event:{asked}"]


# --- revisions while processing ----------------------------------------------------------------


def test_a_revision_that_meets_its_event_being_processed_is_not_lost(house: House) -> None:
    click = house.record(house.lead(), CLICK)
    reviser = threading.Thread(target=house.revise, args=(click, Verdict.MACHINE))
    puts_back = threading.Event()

    def notice(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO inbox"):
            puts_back.set()

    listen(house.engine, "before_cursor_execute", notice)
    with house.runtime.write() as session:
        rows = inbox.waiting(session, 10)
        taken = inbox.take(session, rows, {row.lead_id for row in rows})
        reviser.start()
        # On SQLite it waits for its turn to write; on PostgreSQL it comes as far as the row that we hold.
        assert house.engine.dialect.name == "sqlite" or puts_back.wait(10)
        inbox.leave(session, taken)
    reviser.join()

    assert [row.event_id for row in house.rows(Inbox)] == [click]
    house.process()
    assert house.rows(ScoreEntry) == []
