"""What must hold of an installation whatever happened to it."""

from collections import Counter
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from nurture.domain.scoring.settle import settle
from nurture.services.doctor import diagnose
from nurture.services.house import House, load_house
from nurture.store.events import events_of
from nurture.store.leads import refresh_mailable
from nurture.store.schema import (
    Campaign,
    Decision,
    Due,
    Enrollment,
    Inbox,
    LadderChange,
    Lead,
    Message,
    OutboxMail,
    ScoreEntry,
    ScoreRow,
)
from nurture.store.scores import ledgers
from tests.support.installation import Installation

NOT_SENT = ("failed", "suppressed", "cancelled")
ENDED = ("completed", "exited", "holdout", "failed")


def check_everything(house: Installation) -> None:
    """Fail with the first invariant that does not hold."""
    problems = diagnose(house.runtime, house.now).problems
    # The server of the tests trades safety for speed, and the doctor rightly says so.
    assert [problem for problem in problems if not problem.startswith("PostgreSQL has fsync")] == []
    with house.runtime.read() as session:
        rules = load_house(session)
        assert session.scalar(select(func.count()).select_from(Inbox)) == 0
        scores_are_the_sums_of_their_ledgers(session, rules, house.now)
        ledgers_are_fresh_scorings(session, rules)
        messages_are_decisions(session)
        sent_messages_are_mails_and_each_went_out_once(session)
        nobody_got_a_piece_twice(session)
        passages_are_due_while_they_are_active(session)
        rungs_are_the_newest_changes(session)
    mailable_is_what_consent_and_suppression_say(house)
    every_mail_can_be_left(house)


def scores_are_the_sums_of_their_ledgers(session: Session, house: House, now: datetime) -> None:
    """The score is a cache of the ledger: at any time its entries add up to it."""
    assert house.active is not None
    rows = {
        row.lead_id: row for row in session.scalars(select(ScoreRow).filter_by(generation=house.active.id))
    }
    sums: Counter[int] = Counter()
    for entry in session.scalars(select(ScoreEntry).filter_by(generation=house.active.id)):
        sums[entry.lead_id] += entry.net * 2.0 ** (-((now - entry.effective_at) / house.half_life))  # type: ignore[assignment]
    for lead_id in rows.keys() | sums.keys():
        row = rows.get(lead_id)
        stored = row.value * 2.0 ** (-((now - row.as_of) / house.half_life)) if row else 0.0
        assert stored == pytest.approx(sums[lead_id], abs=1e-6), f"lead {lead_id}"


def ledgers_are_fresh_scorings(session: Session, house: House) -> None:
    """Scoring all events anew would change nothing."""
    leads = list(session.scalars(select(Lead.id).where(Lead.erased_at.is_(None))))
    events = events_of(session, leads)
    held = ledgers(session, [generation.id for generation in house.generations], leads)
    for generation in house.generations:
        for lead_id in leads:
            entries = held.get((generation.id, lead_id), ())
            assert settle(generation.scoring, events.get(lead_id, ()), entries) == (), f"lead {lead_id}"


def messages_are_decisions(session: Session) -> None:
    """Each message of a campaign was queued by exactly one decision."""
    messages = set(session.scalars(select(Message.id).where(Message.kind == "campaign")))
    queued = list(session.scalars(select(Decision.message_id).where(Decision.outcome == "queued")))
    assert sorted(queued) == sorted(messages)  # type: ignore[type-var]


def sent_messages_are_mails_and_each_went_out_once(session: Session) -> None:
    """What is `sent` lies in the outbox, once, and nothing else does; mails to people erased are gone."""
    kept = Message.lead_id.not_in(select(Lead.id).where(Lead.erased_at.is_not(None)))
    sent = list(session.scalars(select(Message.mid).where(Message.state == "sent", kept)))
    assert sorted(session.scalars(select(OutboxMail.mid))) == sorted(sent)
    steps = session.execute(select(Message.enrollment_id, Message.step, Message.occurrence))
    assert max(Counter(map(tuple, steps)).values(), default=1) == 1


def nobody_got_a_piece_twice(session: Session) -> None:
    """Over all campaigns."""
    read = session.execute(
        select(Message.lead_id, Message.piece).where(
            Message.piece.is_not(None), Message.state.not_in(NOT_SENT)
        )
    )
    assert [pair for pair, times in Counter(map(tuple, read)).items() if times > 1] == []


def passages_are_due_while_they_are_active(session: Session) -> None:
    """Whoever is under way is looked at again some time; whoever has ended is not, and has its instant."""
    due = set(session.scalars(select(Due.enrollment_id)))
    rows = session.execute(
        select(Enrollment, Campaign.status).join(Campaign, Campaign.id == Enrollment.campaign_id)
    )
    for passage, campaign in rows:
        if passage.status in ENDED:
            assert passage.id not in due, passage.id
            assert passage.ended_at is not None or passage.status == "holdout", passage.id
        elif campaign == "active" and passage.status == "active":
            assert passage.id in due, f"passage {passage.id} stands at {passage.position} for ever"


def rungs_are_the_newest_changes(session: Session) -> None:
    """A lead stands where its ledger of moves ends."""
    newest: dict[tuple[int, str], str] = {}
    for change in session.scalars(select(LadderChange).order_by(LadderChange.id)):
        newest[change.lead_id, change.ladder] = change.to
    for lead in session.scalars(select(Lead)):
        assert newest.get((lead.id, "lifecycle"), lead.lifecycle) == lead.lifecycle, lead.id
        assert newest.get((lead.id, "stage"), lead.stage) == lead.stage, lead.id


def mailable_is_what_consent_and_suppression_say(house: Installation) -> None:
    """The cache on the lead is right: working it out anew changes nothing."""

    def caches(session: Session) -> list[tuple[object, ...]]:
        columns = (Lead.id, Lead.mailable, Lead.not_mailable_because, Lead.refused_topics)
        return [tuple(row) for row in session.execute(select(*columns).order_by(Lead.id))]

    with house.runtime.write() as session:
        before = caches(session)
        refresh_mailable(session, [int(str(row[0])) for row in before], house.now)
        session.expire_all()
        assert caches(session) == before


def every_mail_can_be_left(house: Installation) -> None:
    """Every mail of a campaign carries its postal address and both ways to unsubscribe."""
    for mail in house.mails():
        if mail.message["List-Unsubscribe"] is not None:
            assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert mail.page("u") == mail.one_click
            assert "14 Harbour Walk" in mail.html
            assert "14 Harbour Walk" in mail.text
