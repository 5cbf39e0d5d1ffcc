"""Sending what is due: once, by the rules of the moment, and with a reason for whatever is not sent."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text, update
from sqlalchemy.orm import Session

from nurture.clock import FixedClock
from nurture.config.smtp_url import Security, SmtpServer
from nurture.domain.errors import AccountRefused, MailerError, MessageRefused, OutcomeUnknown, RefusedForNow
from nurture.domain.letter import Letter
from nurture.mail.outbox import OutboxMailer
from nurture.mail.smtp import SmtpMailer
from nurture.mail.smtp_session import Patience
from nurture.services import switches
from nurture.services.deliver import Delivered, Pace, deliver
from nurture.services.outbox import keeper, outbox_mail, outbox_page
from nurture.services.preview import mail_as_sent
from nurture.store.base import reading
from nurture.store.messages import SystemMail, queue_system
from nurture.store.schema import (
    Bucket,
    Campaign,
    Document,
    Enrollment,
    Lead,
    Message,
    MessageContent,
    ReadPiece,
    TemplateVersion,
)
from tests.support.post import ORGANISATION, PostOffice, Recorder
from tests.support.smtp import Behaviour, MailServer

CALM = Pace(senders=1)
"""One message after the other, so that their order is known."""


@pytest.fixture
def office(engine: Engine, clock: FixedClock, tmp_path: Path) -> PostOffice:
    return PostOffice.open(engine, clock, tmp_path)


def failing(*errors: MailerError | None) -> Recorder:
    """A mailer that answers in this order, and takes everything afterwards."""
    answers = list(errors)
    return Recorder(answer=lambda letter: answers.pop(0) if answers else None)


def run(office: PostOffice, mailer: Recorder | None = None, pace: Pace = CALM) -> tuple[Delivered, Recorder]:
    mailer = mailer or Recorder()
    return deliver(office.runtime(mailer), office.now, pace), mailer


def test_what_is_due_is_sent_once_with_everything_that_belongs_to_it(
    engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    office = PostOffice.open(
        engine, clock, tmp_path, reply_domain="in.example.com", bounce_domain="in.example.com"
    )
    office.queue(3)

    delivered, mailer = run(office)
    again, _ = run(office, mailer)

    assert (delivered, again) == (Delivered(sent=3), Delivered())
    assert set(mailer.times_accepted.values()) == {1}
    letter, message = mailer.letters[0], office.message(1)
    assert letter.recipient.address == message.address == "lead-1@example.org"
    assert letter.recipient.name == "Ana 1"
    assert letter.sender.address == "clara@example.com"
    assert letter.message_id == f"{message.mid}@example.com"
    assert letter.reply_to.startswith("reply+")
    assert letter.envelope_sender.startswith("bounce+")
    headers = dict(letter.headers)
    assert headers["List-Unsubscribe"].count("<") == 2
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"] == "Product <product.example.com>"
    assert "/u/" in letter.html
    assert "/u/" in letter.text
    assert office.decisions(1) == [("sent", "")]
    assert (message.state, message.reception) == ("sent", "accepted")
    assert message.provider_id == f"p-{message.mid}"


def test_it_returns_only_when_every_answer_is_recorded_and_many_senders_stay_in_the_window(
    engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    office = PostOffice.open(engine, clock, tmp_path, in_doubt_max="7")
    office.queue(60)
    seen: list[int] = []

    def look(letter: Letter) -> None:
        with reading(engine) as session:
            seen.append(session.query(Message).filter_by(state="sending").count())

    delivered, _ = run(office, Recorder(answer=look), Pace(senders=8))

    assert delivered == Delivered(sent=60)
    assert max(seen) <= 7


def test_mails_of_the_outbox_are_kept_once_and_can_be_read(office: PostOffice) -> None:
    office.queue(30)
    mailer = OutboxMailer(keeper(office.engine, office.clock))

    deliver(office.runtime(mailer), office.now)
    office.write(lambda session: session.execute(update(Message).values(state="pending", claim_token=None)))
    deliver(office.runtime(mailer), office.now)

    with reading(office.engine) as session:
        page = outbox_page(session, limit=20)
        older = outbox_page(session, limit=20, before_id=page[-1].id)
        assert (len(page), len(older)) == (20, 10)
        kept = outbox_mail(session, page[0].id)
        assert kept is not None
        assert kept.subject.startswith("Hello Ana")
        assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in kept.raw


def test_the_mail_as_sent_can_be_made_again_byte_for_byte(office: PostOffice, clock: FixedClock) -> None:
    office.queue(2)
    _, mailer = run(office)
    clock.advance(timedelta(days=400))
    office.change(Lead, 1, first_name="Somebody else")

    again = mail_as_sent(office.runtime(mailer), 1)

    letter = mailer.letters[0]
    assert (again.subject, again.html, again.text) == (letter.subject, letter.html, letter.text)
    assert "".join(letter.html_parts) == letter.html


# --- not now, not at all -------------------------------------------------------------------------


def changed(table: type[Any], **values: Any) -> Callable[[PostOffice], None]:
    return lambda office: office.change(table, 1, **values)


@pytest.mark.parametrize(
    ("obstacle", "counted", "state", "lines"),
    [
        (lambda o: o.suppress(1, "marketing"), "suppressed", "suppressed", [("suppressed", "not_mailable")]),
        (
            lambda o: o.suppress(1, "topic:product"),
            "suppressed",
            "suppressed",
            [("suppressed", "topic_refused")],
        ),
        (changed(Enrollment, status="exited"), "cancelled", "cancelled", [("cancelled", "passage_ended")]),
        (changed(Enrollment, status="paused"), "later", "pending", []),
        (
            lambda o: o.change(Message, 1, not_after=o.now),
            "cancelled",
            "cancelled",
            [("cancelled", "expired")],
        ),
        (
            lambda o: o.change(Lead, 1, conversation_since=o.now),
            "later",
            "pending",
            [("later", "conversation")],
        ),
        (changed(Campaign, status="paused"), None, "pending", []),
    ],
)
def test_what_must_not_go_out_does_not_and_says_why(
    office: PostOffice, obstacle: Any, counted: str | None, state: str, lines: list[tuple[str, str]]
) -> None:
    office.queue(piece="case_studies/mill")
    obstacle(office)

    delivered, mailer = run(office)

    assert mailer.letters == []
    assert delivered == (Delivered(**{counted: 1}) if counted else Delivered())
    assert (office.message(1).state, office.decisions(1)) == (state, lines)
    assert (office.rows(ReadPiece) == []) == (state != "pending")


def test_a_break_puts_the_mail_off_until_its_end(office: PostOffice, clock: FixedClock) -> None:
    office.queue()
    until = office.now + timedelta(days=3)
    office.change(Lead, 1, paused_until=until)

    run(office)
    assert office.message(1).due_at == until

    clock.set(until)
    assert run(office)[0] == Delivered(sent=1)


def test_a_window_that_has_closed_meanwhile_puts_the_mail_off_until_it_opens(
    office: PostOffice, clock: FixedClock
) -> None:
    window = {"days": ["mon"], "from": "09:00", "to": "10:30", "zone": "UTC"}
    office.write(lambda session: office.add_campaign(session, "windowed", window=window))
    office.queue(campaign="windowed")
    clock.advance(timedelta(hours=1))

    delivered, _ = run(office)

    assert delivered == Delivered(later=1)
    assert office.message(1).due_at == office.now.replace(hour=9, minute=0) + timedelta(days=7)
    assert office.decisions(1) == [("later", "window")]


def test_a_budget_that_was_spent_meanwhile_puts_the_mail_off(office: PostOffice, clock: FixedClock) -> None:
    body = {**ORGANISATION, "budget": {"max": 1, "per": "P7D"}}
    office.write(lambda session: session.execute(update(Document).values(body=body, digest="budget")))
    office.queue(2)
    office.change(Message, 2, lead_id=1, due_at=office.now + timedelta(days=1))

    run(office)
    clock.advance(timedelta(days=1))
    delivered, _ = run(office)

    assert delivered == Delivered(later=1)
    assert office.message(2).due_at == office.now + timedelta(days=6)


def test_a_template_that_fails_for_one_lead_fails_that_message_alone(office: PostOffice) -> None:
    office.queue(5, piece="case_studies/mill")

    def poison(session: Session) -> None:
        bad = office.add_template(session, "letters/poison", html="{{ lead.first_name | truncate(-5) }}")
        session.execute(update(Message).where(Message.id == 3).values(template_version_id=bad))

    office.write(poison)

    delivered, _ = run(office)

    assert delivered == Delivered(sent=4, failed=1)
    message = office.message(3)
    assert (message.state, message.reason) == ("failed", "template")
    assert message.error
    assert office.decisions(3) == [("failed", "template")]
    assert [row.message_id for row in office.rows(ReadPiece)] == [1, 2, 4, 5]


def test_an_address_that_cannot_be_written_to_fails_its_message(office: PostOffice) -> None:
    office.queue(2)
    office.change(Lead, 1, address="no address")

    delivered, _ = run(office)

    assert delivered == Delivered(sent=1, failed=1)
    assert office.message(1).reason == "content"


def test_hostile_names_reach_the_mailer_clean(office: PostOffice) -> None:
    office.queue()
    office.change(
        Lead, 1, first_name="=?UTF-8?Q?=0A?=Bcc: x@y.example\x0b\u202e", last_name="{{ 7*7 }}<script>"
    )

    _, mailer = run(office)

    letter = mailer.letters[0]
    assert "\n" not in letter.subject + letter.recipient.name
    assert "=?" not in letter.subject + letter.recipient.name
    assert "<script>" not in letter.html


def test_a_system_mail_sees_what_it_was_queued_with_and_carries_no_list_headers(office: PostOffice) -> None:
    office.queue()

    def reset(session: Session) -> None:
        template = office.add_template(
            session, "system/reset", kind="system", html="<a href='{{ action_url }}'>go</a>"
        )
        mail = SystemMail(
            "user@example.com", template, "reset:1", {"action_url": "https://app.example.com/r/1"}
        )
        queue_system(session, mail, office.now)

    office.write(reset)

    _, mailer = run(office)

    first = mailer.letters[0]
    assert first.recipient.address == "user@example.com"
    assert "https://app.example.com/r/1" in first.html
    assert "List-Unsubscribe" not in dict(first.headers)
    content = next(row for row in office.rows(MessageContent) if row.message_id == 2)
    assert content.merge["action_url"] == "https://app.example.com/r/1"


def test_a_template_version_that_is_gone_fails_its_message(office: PostOffice) -> None:
    office.queue()
    office.change(Message, 1, template_version_id=None)

    assert run(office)[0] == Delivered(failed=1)
    assert office.rows(TemplateVersion) != []


def refuse_contents(office: PostOffice, message_id: int) -> None:
    """Have the database itself refuse the content of one message."""
    condition = f"NEW.message_id = {message_id}"
    if office.engine.dialect.name == "sqlite":
        trigger = f"BEFORE INSERT ON message_content WHEN {condition} BEGIN SELECT RAISE(ABORT, 'no'); END"
    else:
        body = "BEGIN RAISE EXCEPTION 'no'; END"
        function = f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
        office.write(lambda session: session.execute(text(function)))
        trigger = (
            f"BEFORE INSERT ON message_content FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse()"
        )
    office.write(lambda session: session.execute(text(f"CREATE TRIGGER refusal {trigger}")))


def test_a_message_that_the_database_refuses_fails_alone_and_no_result_is_lost(office: PostOffice) -> None:
    office.queue(120)
    refuse_contents(office, 77)

    delivered, mailer = run(office, pace=Pace(senders=4))

    assert delivered == Delivered(sent=119, failed=1)
    assert office.decisions(77) == [("failed", "error")]
    assert set(mailer.times_accepted.values()) == {1}


def test_a_template_version_that_cannot_be_read_fails_its_messages_alone(office: PostOffice) -> None:
    office.queue(2)

    def spoil(session: Session) -> None:
        bad = office.add_template(session, "letters/spoilt")
        session.execute(
            update(TemplateVersion).where(TemplateVersion.id == bad).values(compiled={"format": 0})
        )
        session.execute(update(Message).where(Message.id == 1).values(template_version_id=bad))

    office.write(spoil)

    assert run(office)[0] == Delivered(sent=1, failed=1)
    assert office.message(1).reason == "content"


# --- what the mailer says ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "state", "line"),
    [
        (MessageRefused("550 no such user"), "failed", ("failed", "refused")),
        (OutcomeUnknown("lost after the dot"), "unconfirmed", ("unconfirmed", "no_answer")),
        (RefusedForNow("450 later", timedelta(hours=2)), "pending", ("later", "refused_for_now")),
    ],
)
def test_each_answer_of_the_mailer_has_its_end(
    office: PostOffice, error: MailerError, state: str, line: tuple[str, str]
) -> None:
    office.queue(2)

    delivered, mailer = run(office, failing(error))

    assert delivered.sent == 1
    message = office.message(1)
    assert (message.state, office.decisions(1)) == (state, [line])
    if state == "pending":
        assert message.due_at == office.now + timedelta(hours=2)
        assert message.attempts == 1
    assert len(mailer.letters) == 1


def test_a_fault_of_the_mailer_itself_leaves_the_outcome_open(office: PostOffice) -> None:
    office.queue()

    def broken(letter: Letter) -> None:
        raise ZeroDivisionError("a bug")

    assert run(office, Recorder(answer=broken))[0] == Delivered(unconfirmed=1)


def test_a_refused_account_stops_the_mailer_until_go(office: PostOffice) -> None:
    office.queue(10)

    delivered, mailer = run(office, failing(AccountRefused("535 wrong password")))

    assert delivered.sent == 0
    assert office.states() == {"pending": 10}
    assert office.rows(Bucket)[0].stopped_because == "535 wrong password"
    assert run(office, mailer)[0] == Delivered()
    with reading(office.engine) as session:
        assert switches.mailers_stopped(session) == {"recorder": "535 wrong password"}

    switches.go(office.runtime(mailer), office.now, "ana")
    assert run(office, mailer)[0].sent == 9


def test_five_unclear_answers_in_a_row_open_the_breaker(office: PostOffice) -> None:
    office.queue(100)
    unclear = [OutcomeUnknown("silence") for _ in range(100)]

    delivered, mailer = run(office, failing(*unclear))

    assert 5 <= delivered.unconfirmed <= 6
    assert office.states()["pending"] == 100 - delivered.unconfirmed
    assert run(office, mailer)[0] == Delivered()
    assert office.rows(Bucket)[0].doubts == 0


def test_a_clear_answer_closes_the_row_of_unclear_ones(office: PostOffice) -> None:
    office.queue(20)
    answers = ([OutcomeUnknown("silence")] * 4 + [None]) * 4

    delivered, _ = run(office, failing(*answers))

    assert delivered == Delivered(sent=4, unconfirmed=16)


def test_unclear_answers_count_over_several_turns(office: PostOffice) -> None:
    for _ in range(5):
        office.queue()
        run(office, failing(OutcomeUnknown("silence")))
    office.queue()

    assert run(office)[0] == Delivered()
    assert office.states() == {"unconfirmed": 5, "pending": 1}


# --- pace ----------------------------------------------------------------------------------------


def test_the_rate_holds_over_all_workers(engine: Engine, clock: FixedClock, tmp_path: Path) -> None:
    office = PostOffice.open(engine, clock, tmp_path, rate="5")
    office.queue(30)

    begun = time.monotonic()
    sent = sum(run(office)[0].sent for _ in range(4))
    elapsed = time.monotonic() - begun

    assert 1 <= sent <= 1 + 5 * elapsed
    assert office.states()["pending"] == 30 - sent


def test_a_new_installation_begins_slowly_for_an_hour(
    engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    office = PostOffice.open(engine, clock, tmp_path, first_rate="1")
    office.queue(30)

    assert run(office)[0] == Delivered(sent=1)
    clock.advance(timedelta(hours=1))
    assert run(office)[0] == Delivered(sent=29)


def test_the_stop_switch_holds_everything_until_go(office: PostOffice) -> None:
    office.queue(2)
    runtime = office.runtime(Recorder())

    switches.stop(runtime, office.now, "ana", "wrong template")
    assert run(office)[0] == Delivered()
    with reading(office.engine) as session:
        told = switches.stopped(session)
        assert told is not None
        assert (told.by, told.reason) == ("ana", "wrong template")

    switches.go(runtime, office.now, "ana")
    assert run(office)[0] == Delivered(sent=2)


def test_a_restored_database_sends_nothing_until_it_is_released(office: PostOffice) -> None:
    office.queue()
    runtime = office.runtime(Recorder())
    switches.hold_restored(runtime, office.now)
    switches.go(runtime, office.now, "ana")

    assert run(office)[0] == Delivered()
    switches.release_restored(runtime, office.now, "ana")
    assert run(office)[0] == Delivered(sent=1)


def test_the_switch_pulled_in_mid_run_lets_nothing_out_behind_it(office: PostOffice) -> None:
    office.queue(100)
    runtime = office.runtime(Recorder())
    told = threading.Event()

    def pull(letter: Letter) -> None:
        if not told.is_set():
            switches.stop(runtime, office.now, "ana")
            told.set()

    delivered, _ = run(office, Recorder(answer=pull))

    assert delivered.sent <= office.settings.in_doubt_max
    assert office.states() == {"sent": delivered.sent, "pending": 100 - delivered.sent}


def test_asked_to_stop_it_finishes_what_is_in_flight_and_gives_the_rest_back(office: PostOffice) -> None:
    office.queue(300)
    mailer = Recorder()
    pace = Pace(senders=2, stopping=lambda: len(mailer.letters) > 30)

    delivered, _ = run(office, mailer, pace)

    assert 30 < delivered.sent < 300
    assert office.states() == {"sent": delivered.sent, "pending": 300 - delivered.sent}
    assert len(mailer.letters) == delivered.sent


# --- against real servers ------------------------------------------------------------------------


def smtp(port: int) -> SmtpMailer:
    patience = Patience(connect_seconds=20, command_seconds=20, final_seconds=20)
    return SmtpMailer(SmtpServer("127.0.0.1", port, Security.NONE), patience=patience)


@pytest.mark.parametrize(
    ("behaviour", "states"),
    [
        (Behaviour(), {"sent": 40}),
        (Behaviour(offers=("SIZE",)), {"sent": 40}),
        (Behaviour(messages_per_connection=3), {"sent": 40}),
        (Behaviour(replies={"RCPT": "550 5.1.1 unknown"}), {"failed": 40}),
        (Behaviour(replies={"RCPT": "450 4.2.0 greylisted"}), {"pending": 40}),
        (Behaviour(replies={"DOT": "552 5.3.4 too big"}), {"failed": 40}),
        (Behaviour(replies={"BANNER": "421 busy"}), {"pending": 40}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_server_s_answers_end_up_in_the_outbox(
    office: PostOffice, behaviour: Behaviour, states: dict[str, int]
) -> None:
    office.queue(40)
    with MailServer(behaviour) as server:
        mailer = smtp(server.port)
        deliver(office.runtime(mailer), office.now)
        mailer.close()

        assert office.states() == states
        assert len(server.times_accepted()) == states.get("sent", 0)
        assert set(server.times_accepted().values()) <= {1}


def test_a_server_that_falls_silent_leaves_a_few_in_doubt_and_the_rest_untouched(office: PostOffice) -> None:
    office.queue(100)
    with MailServer(Behaviour(drop="MID_DATA")) as server:
        mailer = smtp(server.port)
        deliver(office.runtime(mailer), office.now, Pace(senders=4))
        mailer.close()

    states = office.states()
    assert 5 <= states["unconfirmed"] <= 4 + 5
    assert states["pending"] == 100 - states["unconfirmed"]


def test_a_server_that_vanishes_after_the_dot_leaves_a_few_in_doubt_and_none_twice(
    office: PostOffice,
) -> None:
    office.queue(100)
    with MailServer(Behaviour(drop="DOT")) as server:
        mailer = smtp(server.port)
        deliver(office.runtime(mailer), office.now, Pace(senders=4))
        mailer.close()

        states = office.states()
        assert 5 <= states["unconfirmed"] <= 4 + 5
        assert states["pending"] == 100 - states["unconfirmed"]
        assert set(server.times_accepted().values()) == {1}
        accepted = set(server.times_accepted())
    unconfirmed = {row.mid for row in office.rows(Message, state="unconfirmed")}
    assert accepted == unconfirmed
