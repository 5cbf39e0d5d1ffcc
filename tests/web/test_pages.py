"""The pages, with life in them."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from nurture.clock import FixedClock
from nurture.services import accounts, switches
from nurture.services.portrait import portrait
from nurture.services.runtime import Runtime
from nurture.store.schema import AuditEntry, Campaign, Decision, EventRow, Lead, Message, ScoreEntry, Task
from nurture.web.factory import create_app
from tests.support.seed import ADMIN, PASSWORD, furnish
from tests.support.visitor import Visitor


@pytest.fixture
def inside(lively: Runtime, wall: FixedClock) -> Visitor:
    """The administrator of the lively installation."""
    visitor = Visitor(create_app(lively, wall))
    assert visitor.log_in(ADMIN, PASSWORD).status_code == 303
    return visitor


def some_lead(runtime: Runtime) -> int:
    """The lead with the longest ledger."""
    with runtime.read() as session:
        ids = session.scalars(select(ScoreEntry.lead_id)).all()
    return max(set(ids), key=ids.count)


def some_message(runtime: Runtime) -> int:
    with runtime.read() as session:
        return session.scalars(select(Message.id).where(Message.state == "sent")).first() or 0


PAGES = (
    "/", "/?days=7", "/?days=90", "/campaigns", "/campaigns/welcome", "/campaigns/case-studies",
    "/campaigns/proposal", "/leads", "/leads?sort=warmest&mailable=yes", "/leads?q=ana", "/leads/{lead}",
    "/leads/{lead}/timeline", "/leads/{lead}/decisions", "/outbox", "/outbox?state=sent",
    "/outbox?state=pending", "/outbox?state=failed", "/outbox/{message}", "/outbox/{message}/html", "/tasks",
    "/tasks?status=closed", "/health", "/people", "/settings", "/account", "/account/second-factor",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens(lively: Runtime, inside: Visitor, path: str) -> None:
    answer = inside.get(path.format(lead=some_lead(lively), message=some_message(lively)))
    assert answer.status_code == 200
    assert "None" not in re.sub(r"<[^>]*>", "", answer.text.split("</head>")[-1])


def test_every_page_opens_on_postgresql_too(
    postgresql_runtime: Runtime, clock: FixedClock, wall: FixedClock
) -> None:
    furnish(postgresql_runtime, clock, leads=3, days=1)
    visitor = Visitor(create_app(postgresql_runtime, wall))
    visitor.log_in(ADMIN, PASSWORD)
    for path in PAGES:
        with postgresql_runtime.read() as session:
            lead = session.scalars(select(Lead.id)).first()
        address = path.format(lead=lead, message=some_message(postgresql_runtime))
        assert visitor.get(address).status_code == 200, address


def test_the_rows_of_every_lead_s_score_add_up_to_what_is_shown(lively: Runtime) -> None:
    with lively.read() as session:
        ids = session.scalars(select(Lead.id)).all()
    scored = 0
    for lead_id in ids:
        sheet = portrait(lively, lead_id, lively.clock.now()).sheet
        assert round(sum(row.left for row in sheet.rows), 1) == sheet.engagement
        scored += bool(sheet.rows)
    assert scored > 5


def test_the_list_and_the_page_show_the_same_score(lively: Runtime, inside: Visitor) -> None:
    lead_id = some_lead(lively)
    page = inside.get(f"/leads/{lead_id}").text
    shown = re.search(r"<b>([\d.]+)</b><span>Engagement", page)
    row = re.search(rf'/leads/{lead_id}"(.*?)</tr>', inside.get("/leads?sort=warmest").text, re.DOTALL)
    assert shown is not None
    assert row is not None
    assert f"<span>{shown[1]}</span>" in row[1]


def test_a_lead_s_page_says_why_it_got_a_mail(lively: Runtime, inside: Visitor) -> None:
    with lively.read() as session:
        lead_id = session.scalars(select(Message.lead_id).where(Message.state == "sent")).first()
    page = inside.get(f"/leads/{lead_id}").text
    assert "Queued" in page
    assert "Why they got it, or not" in page


def test_a_decision_shows_the_values_that_it_saw(lively: Runtime, inside: Visitor) -> None:
    with lively.write() as session:
        session.add(
            Decision(
                at=lively.clock.now(), lead_id=1, outcome="blocked", reason="budget", campaign="welcome",
                sentence="Two mails went out this week.", values_seen={"sent_this_week": 2, "budget": 2},
            )
        )  # fmt: skip
    page = inside.get("/leads/1").text
    assert "Two mails went out this week." in page
    assert "<dt>sent this week</dt><dd>2</dd>" in page


def test_the_timeline_tells_what_was_not_sent(lively: Runtime, inside: Visitor) -> None:
    with lively.write() as session:
        for outcome, reason, sentence in (
            ("passed_over", "no_piece", "There is no piece left."),
            ("waits", "conversation", "A person is talking to the lead now."),
            ("waits", "wait", "The wait begins today."),
        ):
            session.add(
                Decision(
                    at=lively.clock.now(), lead_id=1, campaign="welcome", outcome=outcome, reason=reason,
                    sentence=sentence,
                )
            )  # fmt: skip
    timeline = inside.get("/leads/1").text.partition('<div id="decisions">')[0]
    assert "There is no piece left." in timeline
    assert "A person is talking to the lead now." in timeline
    assert "The wait begins today." not in timeline


def test_what_is_older_than_a_page_is_fetched_once(lively: Runtime, inside: Visitor) -> None:
    lead_id = some_lead(lively)
    now = lively.clock.now()
    with lively.write() as session:
        for number in range(100):
            session.add(
                EventRow(
                    id=10**6 + number, lead_id=lead_id, kind="page_visited",
                    at=now - timedelta(minutes=number), recorded_at=now, source="t",
                    external_id=str(number), data={"path": f"/page-{number:03}"},
                )
            )  # fmt: skip
    seen: list[str] = []
    address: str | None = f"/leads/{lead_id}"
    while address:
        page = inside.get(address).text
        seen += re.findall(r"/page-\d{3}", page)
        older = re.search(rf'href="(/leads/{lead_id}/timeline[^"]+)"', page)
        address = older[1].replace("&amp;", "&") if older else None
    assert seen == [f"/page-{number:03}" for number in range(100)]


def test_who_stopped_sending_is_in_the_audit_log(lively: Runtime, inside: Visitor) -> None:
    inside.post("/health/stop", {"reason": "wrong price"})
    inside.post("/health/go")
    with lively.read() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.subject == "sending"))
        found = [(row.action, row.actor, row.detail) for row in rows]
    assert found == [
        ("sending-stopped", "user:1", {"reason": "wrong price"}),
        ("sending-goes-on", "user:1", {}),
    ]


def test_a_lead_without_consent_says_so(lively: Runtime, inside: Visitor) -> None:
    with lively.read() as session:
        lead_id = session.scalars(select(Lead.id).where(Lead.not_mailable_because == "no consent")).first()
    assert "Not mailable: no consent" in inside.get(f"/leads/{lead_id}").text


def test_an_erased_lead_has_no_page(lively: Runtime, inside: Visitor) -> None:
    with lively.write() as session:
        session.execute(update(Lead).where(Lead.id == 1).values(erased_at=lively.clock.now(), address=None))
    assert inside.get("/leads/1").status_code == 404


def test_htmx_gets_the_table_alone_and_a_browser_the_page(inside: Visitor) -> None:
    part = inside.get("/leads?q=a", headers={"HX-Request": "true", "HX-Target": "leads"}).text
    assert part.lstrip().startswith('<div id="leads">')
    assert "<html" not in part
    assert "<html" in inside.get("/leads?q=a").text


def test_filters_and_pages_go_together(inside: Visitor) -> None:
    page = inside.get("/leads?lifecycle=lead&sort=name").text
    assert 'href="?lifecycle=lead&amp;sort=name&amp;page=2"' in page


def test_the_mail_is_shut_into_its_frame(lively: Runtime, inside: Visitor) -> None:
    message_id = some_message(lively)
    page = inside.get(f"/outbox/{message_id}").text
    assert f'<iframe class="mail-frame" sandbox="" src="/outbox/{message_id}/html"' in page
    frame = inside.get(f"/outbox/{message_id}/html")
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("sandbox")
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy


def test_looking_at_a_mail_here_reports_no_open(lively: Runtime, inside: Visitor) -> None:
    assert "/o/" not in inside.get(f"/outbox/{some_message(lively)}/html").text


def test_a_mail_that_was_never_written_has_no_html(lively: Runtime, inside: Visitor) -> None:
    with lively.write() as session:
        session.add(
            Message(
                id=5000, mid="x" * 26, kind="campaign", lead_id=1, campaign_id=1, step="hello",
                state="pending", planned_at=lively.clock.now(), due_at=lively.clock.now(),
            )
        )  # fmt: skip
    assert "Not written yet" in inside.get("/outbox/5000").text
    assert inside.get("/outbox/5000/html").status_code == 404


def test_a_campaign_is_paused_resumed_and_stopped_by_its_buttons(lively: Runtime, inside: Visitor) -> None:
    def status() -> str | None:
        with lively.read() as session:
            return session.scalar(select(Campaign.status).where(Campaign.slug == "welcome"))

    for action, form, expected in (
        ("pause", {}, "paused"),
        ("resume", {"mode": "no such way"}, "paused"),
        ("resume", {"mode": "shift"}, "active"),
        ("stop", {}, "stopped"),
        ("pause", {}, "stopped"),
        ("start", {}, "active"),
    ):
        page = inside.post(f"/campaigns/welcome/{action}", form, follow_redirects=True)
        assert page.status_code == 200
        assert status() == expected


def test_what_cannot_be_done_is_said_on_the_page(inside: Visitor) -> None:
    page = inside.post("/campaigns/welcome/start", follow_redirects=True).text
    assert "only drafts and stopped ones start" in page


def test_the_stop_switch_shows_on_every_page_until_somebody_lets_mail_go(
    lively: Runtime, inside: Visitor
) -> None:
    inside.post("/health/stop", {"reason": "wrong price in the proposal"})
    assert "wrong price in the proposal" in inside.get("/leads").text
    with lively.read() as session:
        assert switches.stopped(session) is not None
    inside.post("/health/go")
    assert "Sending is stopped" not in inside.get("/leads").text


def test_the_hold_of_a_restored_backup_is_shown_and_released(lively: Runtime, inside: Visitor) -> None:
    switches.hold_restored(lively, lively.clock.now())
    assert "Release the hold" in inside.get("/health").text
    inside.post("/health/release")
    assert "Release the hold" not in inside.get("/health").text


@pytest.mark.parametrize(
    ("outcome", "state"), [("sent", "sent"), ("not-sent", "failed"), ("perhaps", "unconfirmed")]
)
def test_a_doubt_is_settled_by_a_person(lively: Runtime, inside: Visitor, outcome: str, state: str) -> None:
    message_id = some_message(lively)
    with lively.write() as session:
        session.execute(
            update(Message).where(Message.id == message_id).values(state="unconfirmed", sent_at=None)
        )
    assert f"/health/settle/{message_id}" in inside.get("/health").text
    inside.post(f"/health/settle/{message_id}", {"outcome": outcome})
    with lively.read() as session:
        assert session.scalar(select(Message.state).where(Message.id == message_id)) == state


def test_settling_what_nobody_doubts_is_refused(lively: Runtime, inside: Visitor) -> None:
    page = inside.post(f"/health/settle/{some_message(lively)}", {"outcome": "sent"}, follow_redirects=True)
    assert "not in doubt any more" in page.text


def test_a_task_is_closed_once(lively: Runtime, inside: Visitor) -> None:
    with lively.read() as session:
        task_id = session.scalars(select(Task.id).where(Task.status == "open")).first()
    inside.post(f"/tasks/{task_id}/close", {"outcome": "they buy"})
    assert "they buy" in inside.get("/tasks?status=closed").text
    assert "closed already" in inside.post(f"/tasks/{task_id}/close", follow_redirects=True).text


def test_closing_a_task_never_leads_to_another_site(lively: Runtime, inside: Visitor) -> None:
    with lively.read() as session:
        task_id = session.scalars(select(Task.id).where(Task.status == "open")).first()
    assert inside.post(f"/tasks/{task_id}/close", {"next": "//evil.example"}).location == "/"


def test_a_viewer_sees_no_buttons_that_would_refuse_them(lively: Runtime, wall: FixedClock) -> None:
    visitor = Visitor(create_app(lively, wall))
    visitor.log_in("tom@example.com", PASSWORD)
    for path in ("/campaigns/welcome", "/health", "/tasks"):
        forms = re.findall(r'<form[^>]*action="([^"]+)"', visitor.get(path).text)
        assert forms == ["/logout"], path
    assert 'href="/people"' not in visitor.get("/").text


def test_settings_never_show_a_secret(lively: Runtime, inside: Visitor) -> None:
    page = inside.get("/settings").text
    assert "NURTURE_SECRET_KEY" in page
    for name in ("secret_key", "link_keys", "suppression_key"):
        secret = getattr(lively.settings, name).get_secret_value()
        assert secret not in page


def test_times_are_shown_in_the_reader_s_zone(lively: Runtime, inside: Visitor) -> None:
    inside.post("/account/profile", {"name": "Clara", "zone": "Asia/Tokyo", "language": "fr"})
    assert "Asia/Tokyo" in inside.get("/leads/1").text
    user = accounts.find_user(lively, ADMIN)
    assert user is not None
    assert (user.name, user.zone, user.language) == ("Clara", "Asia/Tokyo", "fr")


def test_a_zone_that_does_not_exist_is_refused(lively: Runtime, inside: Visitor) -> None:
    page = inside.post("/account/profile", {"zone": "Mars/Olympus"}, follow_redirects=True).text
    assert "is not a time zone" in page


def test_the_last_administrator_stays(lively: Runtime, inside: Visitor) -> None:
    user = accounts.find_user(lively, ADMIN)
    assert user is not None
    page = inside.post(f"/people/{user.id}/role", {"role": "viewer"}, follow_redirects=True).text
    assert "last administrator" in page
    assert inside.is_in()


def test_somebody_is_shut_out_and_let_in_again(lively: Runtime, inside: Visitor) -> None:
    tom = accounts.find_user(lively, "tom@example.com")
    assert tom is not None
    inside.post(f"/people/{tom.id}/disable")
    assert Visitor(inside.app).log_in("tom@example.com", PASSWORD).status_code == 401
    inside.post(f"/people/{tom.id}/enable")
    assert Visitor(inside.app).log_in("tom@example.com", PASSWORD).status_code == 303
