"""The outbox on both databases: every step is a compare-and-set, and the intent is the one binding check."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from nurture.clock import FixedClock
from nurture.domain.sending import MessageState, Reception
from nurture.store import messages as outbox
from nurture.store.base import reading, writing
from nurture.store.messages import FROM_CLAIM, FROM_MAILER, Claimed, Intent, Outcome, SystemMail, Taken
from nurture.store.schema import (
    Campaign,
    Decision,
    Enrollment,
    Lead,
    Message,
    MessageContent,
    MessageLink,
    ReadPiece,
    Setting,
    Suppression,
)
from tests.support.post import PostOffice

LEASE = timedelta(seconds=60)
LAPSED = timedelta(seconds=-1)


@pytest.fixture
def office(engine: Engine, clock: FixedClock, tmp_path: Path) -> PostOffice:
    return PostOffice.open(engine, clock, tmp_path)


def claim(office: PostOffice, limit: int = 100, lease: timedelta = LEASE) -> list[Claimed]:
    claimed: list[Claimed] = office.write(lambda session: outbox.claim(session, office.now, limit, lease))
    return claimed


def intent(message: Claimed, **changes: Any) -> Intent:
    values = {"merge": {"a": 1}, "subject": "Hello", **changes}
    return Intent(message.id, message.token, message.kind, message.lead_id is not None, **values)


def take(office: PostOffice, *messages: Claimed, **changes: Any) -> Taken:
    intents = [intent(message, **changes) for message in messages]
    taken: Taken = office.write(lambda session: outbox.take_intents(session, intents, "smtp", office.now))
    return taken


def finish(office: PostOffice, message: Claimed, state: MessageState, **more: Any) -> set[int]:
    outcome = Outcome(message.id, message.token, state, **more)
    recorded: set[int] = office.write(
        lambda session: outbox.record(session, [outcome], FROM_MAILER, office.now)
    )
    return recorded


def handed_over(office: PostOffice, **values: Any) -> Claimed:
    """A message between intent and result."""
    office.queue(**values)
    [message] = claim(office)
    assert take(office, message).passed == {message.id}
    return message


# --- claims --------------------------------------------------------------------------------------


def test_a_message_is_claimed_once_and_not_before_it_is_due(office: PostOffice) -> None:
    [due] = office.queue()
    office.queue(due_at=office.now + timedelta(seconds=1))

    assert [message.id for message in claim(office)] == [due]
    assert claim(office) == []
    assert office.message(due).state == "claimed"


def test_the_most_important_and_oldest_are_claimed_first(office: PostOffice) -> None:
    office.queue(priority=50, due_at=office.now - timedelta(days=1))
    office.queue(priority=70)
    office.queue(priority=70, due_at=office.now - timedelta(hours=1))

    assert [message.id for message in claim(office, limit=2)] == [3, 2]


def test_messages_of_a_campaign_that_does_not_run_are_left_alone(office: PostOffice) -> None:
    office.queue()
    office.change(Campaign, 1, status="paused")

    assert claim(office) == []


def test_a_released_claim_is_free_again(office: PostOffice) -> None:
    office.queue()
    claimed = claim(office)

    office.write(lambda session: outbox.release(session, claimed, office.now))

    assert [message.id for message in claim(office)] == [1]


# --- the intent ----------------------------------------------------------------------------------


def test_the_intent_keeps_what_the_mail_is_made_of(office: PostOffice) -> None:
    office.queue()
    [message] = claim(office)

    taken = take(office, message, links=((2, "https://example.com/a"),))

    assert taken.passed == {1}
    row = office.message(1)
    assert (row.state, row.attempts, row.provider, row.address) == (
        "sending",
        1,
        "smtp",
        "lead-1@example.org",
    )
    [content] = office.rows(MessageContent)
    assert (content.merge, content.subject, content.rendered_at) == ({"a": 1}, "Hello", office.now)
    assert [(link.number, link.target) for link in office.rows(MessageLink)] == [(2, "https://example.com/a")]


def test_an_intent_passes_once(office: PostOffice) -> None:
    message = handed_over(office)

    assert take(office, message).passed == frozenset()


def test_who_lost_its_lease_does_not_pass(office: PostOffice) -> None:
    office.queue()
    [message] = claim(office, lease=LAPSED)

    assert take(office, message).passed == frozenset()


def test_a_claim_that_lapsed_before_its_intent_is_free_at_once(office: PostOffice) -> None:
    office.queue()
    [message] = claim(office, lease=LAPSED)
    take(office, message)

    with writing(office.engine) as session:
        outcomes = outbox.why_refused(session, [intent(message)], office.now)
        outbox.record(session, outcomes, FROM_CLAIM, office.now)

    assert [again.id for again in claim(office)] == [1]


def test_who_was_overtaken_by_another_worker_does_not_pass(office: PostOffice) -> None:
    office.queue()
    [first] = claim(office, lease=LAPSED)
    office.write(outbox.free_lapsed_claims)
    [second] = claim(office)

    assert take(office, first).passed == frozenset()
    assert take(office, second).passed == {second.id}


def switch(name: str) -> Callable[[PostOffice], None]:
    def act(office: PostOffice) -> None:
        office.write(lambda session: session.add(Setting(name=name, value={}, updated_at=office.now)))

    return act


def changed(table: type[Any], **values: Any) -> Callable[[PostOffice], None]:
    return lambda office: office.change(table, 1, **values)


OBSTACLES: dict[str, tuple[Callable[[PostOffice], None], str, str]] = {
    "stop switch": (switch("stop"), "pending", ""),
    "restored": (switch("restore_hold"), "pending", ""),
    "campaign paused": (changed(Campaign, status="paused"), "pending", ""),
    "enrollment paused": (changed(Enrollment, status="paused"), "pending", ""),
    "enrollment exited": (changed(Enrollment, status="exited"), "cancelled", "passage_ended"),
    "no consent": (changed(Lead, mailable=False), "suppressed", "not_mailable"),
    "complaint": (lambda office: office.suppress(1, "all"), "suppressed", "suppressed"),
    "unsubscribed": (lambda office: office.suppress(1, "marketing"), "suppressed", "unsubscribed"),
    "topic refused": (lambda office: office.suppress(1, "topic:product"), "suppressed", "topic_refused"),
    "conversation": (
        lambda office: office.change(Lead, 1, conversation_since=office.now),
        "pending",
        "conversation",
    ),
    "break": (
        lambda office: office.change(Lead, 1, paused_until=office.now + timedelta(days=3)),
        "pending",
        "break",
    ),
    "expired": (lambda office: office.change(Message, 1, not_after=office.now), "cancelled", "expired"),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_whatever_speaks_against_it_after_the_claim_stops_it_with_its_reason(
    office: PostOffice, obstacle: str
) -> None:
    act, state, reason = OBSTACLES[obstacle]
    office.queue(piece="case_studies/mill")
    [message] = claim(office)
    act(office)

    assert take(office, message) == Taken(frozenset(), frozenset())
    with writing(office.engine) as session:
        outcomes = outbox.why_refused(session, [intent(message)], office.now)
        outbox.record(session, outcomes, FROM_CLAIM, office.now)

    row = office.message(1)
    assert (row.state, row.reason or "", row.claim_token if state == "pending" else None) == (
        state,
        reason,
        None,
    )
    assert (office.rows(ReadPiece) == []) == (state != "pending")
    word = state if state != "pending" else "later"
    assert office.decisions(1) == ([(word, reason)] if reason else [])


def test_a_suppression_that_has_ended_stops_nothing(office: PostOffice) -> None:
    office.queue()
    office.suppress(1, "topic:product")
    office.write(lambda session: session.execute(update(Suppression).values(expires_at=office.now)))
    [message] = claim(office)

    assert take(office, message).passed == {1}


def test_a_campaign_may_go_on_during_a_conversation(office: PostOffice) -> None:
    office.queue()
    office.change(Lead, 1, conversation_since=office.now)
    [message] = claim(office)

    assert take(office, message, despite_conversation=True).passed == {1}


def test_a_break_puts_the_message_off_until_its_end(office: PostOffice) -> None:
    office.queue()
    until = office.now + timedelta(days=3)
    [message] = claim(office)
    office.change(Lead, 1, paused_until=until)
    take(office, message)

    with reading(office.engine) as session:
        [outcome] = outbox.why_refused(session, [intent(message)], office.now)

    assert outcome.due_at == until


def test_system_mail_goes_to_who_unsubscribed_and_not_to_who_complained(office: PostOffice) -> None:
    office.queue(2)
    office.suppress(1, "marketing")
    office.suppress(2, "all")
    for lead_id in (1, 2):
        queue_reset(office, f"lead-{lead_id}@example.org", str(lead_id))
    system = [message for message in claim(office) if message.kind == "system"]

    assert take(office, *system).passed == {system[0].id}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_rows_that_somebody_else_is_changing_are_not_waited_for(office: PostOffice) -> None:
    office.queue(2)
    first, second = claim(office)
    with writing(office.engine) as other:
        other.execute(update(Lead).where(Lead.id == first.lead_id).values(mailable=False))
        taken = take(office, first, second)

    assert taken == Taken(passed=frozenset({second.id}), busy=frozenset({first.id}))
    assert take(office, first).passed == frozenset()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", [Lead, Campaign, Enrollment])
def test_who_unsubscribes_or_pauses_waits_for_an_intent_that_is_being_committed(
    office: PostOffice, table: type[Any]
) -> None:
    office.queue()
    [message] = claim(office)
    waited = threading.Event()

    def change() -> None:
        office.change(table, 1, **{"mailable": False} if table is Lead else {"status": "paused"})
        waited.set()

    with writing(office.engine) as session:
        taken = outbox.take_intents(session, [intent(message)], "smtp", office.now)
        other = threading.Thread(target=change)
        other.start()
        assert not waited.wait(0.3)
    other.join()

    assert taken.passed == {message.id}
    assert waited.is_set()


# --- results -------------------------------------------------------------------------------------


def test_a_sent_message_remembers_who_took_it(office: PostOffice) -> None:
    message = handed_over(office)

    assert finish(office, message, MessageState.SENT, word="sent", provider_id="q1") == {1}

    row = office.message(1)
    assert (row.state, row.reception, row.provider_id, row.sent_at) == ("sent", "accepted", "q1", office.now)
    assert office.decisions(1) == [("sent", "")]


def test_a_failed_message_gives_its_piece_back(office: PostOffice) -> None:
    message = handed_over(office, piece="case_studies/mill")

    finish(office, message, MessageState.FAILED, word="failed", reason="refused", sentence="550 no")

    assert office.message(1).error == "550 no"
    assert office.rows(ReadPiece) == []


def test_a_refusal_for_now_makes_it_pending_at_a_later_time_and_claimable_again(office: PostOffice) -> None:
    message = handed_over(office)
    later = office.now + timedelta(minutes=5)

    finish(office, message, MessageState.PENDING, due_at=later)

    row = office.message(1)
    assert (row.state, row.due_at, row.claim_token, row.attempts) == ("pending", later, None, 1)


def test_a_late_answer_by_the_same_token_settles_what_the_sweep_called_unconfirmed(
    office: PostOffice,
) -> None:
    message = handed_over(office)
    office.write(lambda session: outbox.doubt_stale_sendings(session, LAPSED, office.now))
    assert office.message(1).state == "unconfirmed"

    assert finish(office, message, MessageState.SENT) == {1}
    assert office.message(1).state == "sent"


def test_an_answer_changes_nothing_where_the_message_is_not_ours_any_more(office: PostOffice) -> None:
    message = handed_over(office)
    office.write(lambda session: outbox.settle(session, 1, True, office.now, "a webhook"))

    assert finish(office, message, MessageState.FAILED, word="failed") == set()
    assert office.message(1).state == "sent"


def test_of_several_answers_those_that_are_ours_are_recorded(office: PostOffice) -> None:
    office.queue(3)
    claimed = claim(office)
    take(office, *claimed)
    office.write(lambda session: outbox.settle(session, 2, False, office.now, "a person"))
    outcomes = [Outcome(m.id, m.token, MessageState.SENT, "sent") for m in claimed]

    recorded = office.write(lambda session: outbox.record(session, outcomes, FROM_MAILER, office.now))

    assert recorded == {1, 3}
    assert office.decisions(2) == [("failed", "not_accepted")]


# --- time, webhooks and people -------------------------------------------------------------------


def test_the_sweep_frees_lapsed_claims_and_doubts_stale_sendings_and_never_frees_those(
    office: PostOffice,
) -> None:
    office.queue(4)
    lapsed, alive = claim(office, 1, LAPSED)[0], claim(office, 1)[0]
    stale = claim(office, 1)[0]
    take(office, stale)

    with writing(office.engine) as session:
        assert outbox.free_lapsed_claims(session) == 1
        assert outbox.doubt_stale_sendings(session, timedelta(minutes=1), office.now) == 0
        assert outbox.doubt_stale_sendings(session, LAPSED, office.now) == 1

    states = {message.id: message.state for message in office.rows(Message)}
    assert states == {lapsed.id: "pending", alive.id: "claimed", stale.id: "unconfirmed", 4: "pending"}
    assert office.decisions(stale.id) == [("unconfirmed", "no_answer")]


def test_only_a_daring_campaign_sends_again_what_stayed_unconfirmed(office: PostOffice) -> None:
    office.write(lambda session: office.add_campaign(session, "daring", on_unconfirmed="resend_after_24h"))
    office.queue()
    office.queue(campaign="daring")
    take(office, *claim(office))
    office.write(lambda session: outbox.doubt_stale_sendings(session, LAPSED, office.now))

    early = office.write(lambda session: outbox.resend_by_policy(session, timedelta(hours=1), office.now))
    late = office.write(lambda session: outbox.resend_by_policy(session, LAPSED, office.now))

    assert (early, late) == (0, 1)
    assert [message.state for message in office.rows(Message)] == ["unconfirmed", "pending"]


@pytest.mark.parametrize(("accepted", "state"), [(True, "sent"), (False, "failed")])
def test_a_person_settles_what_is_in_doubt_once(office: PostOffice, accepted: bool, state: str) -> None:
    handed_over(office, piece="case_studies/mill")

    assert office.write(lambda session: outbox.settle(session, 1, accepted, office.now, "Ana looked it up."))
    assert not office.write(lambda session: outbox.settle(session, 1, not accepted, office.now, "again"))

    assert office.message(1).state == state
    assert (office.rows(ReadPiece) == []) == (not accepted)


def test_a_person_sends_an_unconfirmed_message_again(office: PostOffice) -> None:
    handed_over(office)
    again = lambda session: outbox.send_again(session, 1, office.now, "Ana took the risk.")  # noqa: E731

    assert not office.write(again)
    office.write(lambda session: outbox.doubt_stale_sendings(session, LAPSED, office.now))
    assert office.write(again)
    assert [message.id for message in claim(office)] == [1]


@pytest.mark.parametrize("before", ["sending", "unconfirmed", "failed", "cancelled"])
def test_a_report_of_the_receiver_proves_that_the_message_was_taken(office: PostOffice, before: str) -> None:
    handed_over(office)
    office.change(Message, 1, state=before)

    assert office.write(lambda s: outbox.note_reception(s, 1, Reception.DELIVERED, office.now))

    row = office.message(1)
    assert (row.state, row.reception) == ("sent", "delivered")


def test_receptions_only_move_up_and_prove_nothing_of_what_was_never_handed_over(office: PostOffice) -> None:
    office.queue()
    for reported in (Reception.DELIVERED, Reception.DEFERRED, Reception.COMPLAINED, Reception.BOUNCED):
        office.write(lambda s, reported=reported: outbox.note_reception(s, 1, reported, office.now))

    row = office.message(1)
    assert (row.state, row.reception) == ("pending", "complained")


# --- in and out ----------------------------------------------------------------------------------


def queue_reset(office: PostOffice, address: str, key: str) -> int | None:
    def act(session: Session) -> int | None:
        template = office.add_template(session, f"system/reset-{key}", kind="system")
        return outbox.queue_system(
            session, SystemMail(address, template, key, {"action_url": "x"}), office.now
        )

    message_id: int | None = office.write(act)
    return message_id


def test_a_system_mail_is_queued_once_ahead_of_marketing_with_what_it_says(office: PostOffice) -> None:
    office.queue()
    mail = SystemMail(
        "ana@example.com", office.rows(Message)[0].template_version_id, "reset:1", {"action_url": "x"}
    )

    first = office.write(lambda session: outbox.queue_system(session, mail, office.now))
    second = office.write(lambda session: outbox.queue_system(session, mail, office.now))

    assert (first, second) == (2, None)
    assert [message.id for message in claim(office, 1)] == [2]
    assert office.rows(MessageContent)[0].merge == {"action_url": "x"}


def test_ending_a_passage_takes_its_mail_back_but_not_what_was_handed_over(office: PostOffice) -> None:
    handed_over(office, piece="case_studies/mill")
    office.queue(2, piece="case_studies/port")
    claim(office, 1)

    assert office.write(lambda s: outbox.cancel_pending(s, [1, 2, 3], "goal", office.now)) == 2

    states = [message.state for message in office.rows(Message)]
    assert states == ["sending", "cancelled", "cancelled"]
    assert [row.message_id for row in office.rows(ReadPiece)] == [1]
    assert office.decisions(2) == [("cancelled", "goal")]


def test_refusing_a_topic_stops_its_mail_alone(office: PostOffice) -> None:
    office.queue()
    office.queue(topic="news")

    assert (
        office.write(lambda s: outbox.suppress_pending(s, [1, 2], "unsubscribed", office.now, topic="news"))
        == 1
    )
    assert [message.state for message in office.rows(Message)] == ["pending", "suppressed"]
    assert office.write(lambda s: outbox.suppress_pending(s, [1, 2], "suppressed", office.now)) == 1
    assert office.decisions(1) == [("suppressed", "suppressed")]


def test_names_cannot_be_guessed_and_fit_an_address() -> None:
    names = {outbox.new_mid() for _ in range(1000)}

    assert len(names) == 1000
    assert all(len(name) == 26 and name.isalnum() and name == name.lower() for name in names)


# --- figures -------------------------------------------------------------------------------------


def test_the_figures_add_up_and_name_what_does_not(office: PostOffice) -> None:
    handed_over(office, piece="case_studies/mill")
    office.queue(2)

    with reading(office.engine) as session:
        assert outbox.counts_by_state(session)["pending"] == 2
        assert sum(outbox.counts_by_state(session, "campaign").values()) == 3
        assert outbox.planned_by_decisions(session) == 3
        assert outbox.unlogged(session) == []
        assert [doubt.message_id for doubt in outbox.in_doubt(session)] == [1]
        assert outbox.open_too_long(session, timedelta(minutes=1)) == 0
        assert outbox.open_too_long(session, LAPSED) == 1
        assert outbox.pieces_held_in_vain(session) == []

    office.write(lambda session: session.query(Decision).filter_by(message_id=2).delete())
    office.change(Message, 1, state="failed")
    with reading(office.engine) as session:
        assert outbox.unlogged(session) == [2]
        assert outbox.pieces_held_in_vain(session) == [1]
