"""Headers, hosts, bodies, and whatever strangers put into an address or a name."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask

from nurture.clock import FixedClock
from nurture.services.files import Paths, apply
from nurture.services.importing.run import ImportOrder, import_leads
from nurture.services.runtime import Runtime
from nurture.store.base import make_engine
from nurture.store.schema import EventRow, Lead, Task
from nurture.web.factory import create_app
from tests.support.runtimes import runtime_on, settings_for
from tests.support.visitor import Visitor
from tests.web.conftest import PASSWORD, employ

SignInAs = Callable[[str], Visitor]

PAGES = ("/", "/campaigns", "/leads", "/outbox", "/tasks", "/health", "/people", "/settings", "/account")


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/login", "/healthz", "/static/app.css"])
def test_every_answer_is_protected(signed_in: SignInAs, path: str) -> None:
    headers = signed_in("admin").get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Server" not in headers or "Werkzeug" not in headers["Server"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_holds_inline_scripts_styles_or_foreign_addresses(signed_in: SignInAs, path: str) -> None:
    page = signed_in("admin").get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "a b", "\u20ac"]
)
def test_a_foreign_host_is_refused(visitor: Visitor, host: str) -> None:
    answer = visitor.get("/login", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000", "nurture.intern"])
def test_our_own_hosts_are_answered(sqlite_url: str, clock: FixedClock, tmp_path: Path, host: str) -> None:
    settings = settings_for(tmp_path, trusted_hosts="nurture.intern")
    app = create_app(runtime_on(make_engine(sqlite_url), clock, settings))
    assert app.test_client().get("/login", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(("proxies", "seen"), [("0", "10.0.0.9"), ("1", "198.51.100.4")])
def test_forwarded_addresses_count_only_behind_our_own_proxies(
    sqlite_url: str, clock: FixedClock, tmp_path: Path, proxies: str, seen: str
) -> None:
    runtime = runtime_on(make_engine(sqlite_url), clock, settings_for(tmp_path, trusted_proxies=proxies))
    employ(runtime, clock.now())
    visitor = Visitor(create_app(runtime, clock), ip="10.0.0.9")
    form = {"csrf_token": visitor.token(), "address": "admin@example.com", "password": PASSWORD}
    forged = {"X-Forwarded-For": "203.0.113.66, 198.51.100.4", "X-Forwarded-Host": "evil.example"}
    overrides = {"REMOTE_ADDR": visitor.ip}
    visitor.client.post("/login", data=form, headers=forged, environ_overrides=overrides)
    assert seen in visitor.get("/account").text


def test_too_large_a_body_is_refused(signed_in: SignInAs) -> None:
    answer = signed_in("admin").client.post("/account/profile", data={"name": "x" * (11 * 1024 * 1024)})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/leads/0", 404), ("/leads/99999", 404), ("/logout", 405)]
)
def test_errors_are_pages_in_the_app_s_look(signed_in: SignInAs, path: str, status: int) -> None:
    answer = signed_in("admin").get(path)
    assert answer.status_code == status
    assert "<main" in answer.text
    assert "Traceback" not in answer.text


def test_an_error_that_nobody_foresaw_shows_nothing_of_itself(app: Flask, signed_in: SignInAs) -> None:
    visitor = signed_in("admin")
    app.view_functions["dashboard.show"] = _broken
    answer = visitor.get("/")
    assert answer.status_code == 500
    assert "planted" not in answer.text


def _broken() -> str:
    raise RuntimeError("planted secret")


_broken.nurture_access = None  # type: ignore[attr-defined]


NONSENSE = (
    "abc", "-1", "0", "1e9", "9" * 400, "%00", "%ff%fe", "%F0%9F%98", "../../etc/passwd", "' OR 1=1 --",
    "{{7*7}}", "%", "_", "\\", "<script>", "%E2%80%AE", "Ａ" * 50, "x" * 8000, "[]", "null", "2026-13-45",
    "2026-02-30T25:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
)  # fmt: skip


def queries() -> Iterator[str]:
    for path, names in {
        "/": ("days",),
        "/leads": ("q", "lifecycle", "stage", "fit", "warmth", "tag", "mailable", "sort", "page"),
        "/leads/1/timeline": ("before",),
        "/leads/1/decisions": ("before",),
        "/outbox": ("state", "page"),
        "/tasks": ("status", "page"),
    }.items():
        for name in names:
            for value in NONSENSE:
                yield f"{path}?{name}={value}"


@pytest.fixture
def house(both: Runtime, wall: FixedClock) -> Visitor:
    """An administrator of an installation on each database in turn."""
    apply(both, Paths.of(both.settings), both.clock.now(), "cli")
    employ(both, wall.now())
    visitor = Visitor(create_app(both, wall))
    visitor.log_in("admin@example.com", PASSWORD)
    return visitor


def test_nonsense_in_a_query_is_never_our_fault(house: Visitor) -> None:
    for query in queries():
        assert house.get(query).status_code == 200, query


def test_nonsense_in_a_path_leads_nowhere(house: Visitor) -> None:
    for path in (
        "/leads/{}",
        "/campaigns/{}",
        "/outbox/{}",
        "/outbox/{}/html",
        "/leads/{}/timeline",
        "/reset/{}",
    ):
        for value in NONSENSE:
            assert house.get(path.format(value)).status_code in (200, 303, 308, 404, 405), (path, value)


def test_nonsense_in_a_form_is_never_our_fault(house: Visitor) -> None:
    token = house.token()
    posts = {
        "/account/profile": ("name", "zone", "language"),
        "/people": ("address", "name", "role"),
        "/people/1/role": ("role",),
        "/campaigns/welcome/resume": ("mode",),
        "/health/stop": ("reason",),
        "/health/settle/1": ("outcome",),
        "/tasks/1/close": ("outcome", "next"),
        "/forgot": ("address",),
    }
    for path, names in posts.items():
        for value in ("\x00", "\u202e", "x" * 9000, "<script>", "{{7*7}}", "\ud7ff\ufffe"):
            form = {"csrf_token": token, **dict.fromkeys(names, value)}
            assert house.client.post(path, data=form).status_code < 500, (path, value)


PAYLOADS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg onload=alert(1)>", "{{ 7*7 }}",
    "javascript:alert(1)", "</title><script>alert(1)</script>", "<iframe srcdoc='x'>", "&lt;script&gt;",
    "=?UTF-8?Q?=0A?=Bcc: x@y", "\u202eevil", "${alert(1)}", "<!--", "]]>",
    "\" autofocus onfocus=alert(1) x=\"",
)  # fmt: skip


class Elements(HTMLParser):
    """Every element and attribute name of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(f"@{name}" for name, _ in attrs)}
        self.names |= {
            f"{name}={value[:11]}" for name, value in attrs if value and value.startswith("javascript")
        }


def poison(runtime: Runtime, payload: str) -> int:
    """A lead whose every text is the payload; returns its id."""
    path = runtime.settings.var / "poison.csv"
    quoted = payload.replace('"', '""')
    path.write_text(
        "email,first_name,last_name,company,industry,tags,consent\n"
        f'victim@example.com,"{quoted}","{quoted}","{quoted}","{quoted}","{quoted}","{quoted}"\n',
        encoding="utf-8",
    )
    now = runtime.clock.now()
    import_leads(runtime, ImportOrder(path), now)
    with runtime.write() as session:
        lead = session.query(Lead).one()
        lead.source, lead.not_mailable_because = payload, payload
        session.add(
            EventRow(
                id=77, lead_id=lead.id, kind="form_submitted", at=now, recorded_at=now, source="x",
                external_id="77", data={payload[:50]: payload},
            )
        )  # fmt: skip
        session.add(
            Task(
                lead_id=lead.id,
                kind="handoff",
                dedupe_key="x",
                title=payload,
                reasons=[payload],
                created_at=now,
            )
        )
        return lead.id


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_lead_is_called_stays_text(runtime: Runtime, signed_in: SignInAs, payload: str) -> None:
    visitor = signed_in("admin")
    pages = ("/", "/leads", "/tasks")
    harmless = {path: Elements(visitor.get(path).text).names for path in pages}
    lead_id = poison(runtime, payload)
    found = {path: Elements(visitor.get(path).text).names for path in pages}
    found["lead"] = Elements(visitor.get(f"/leads/{lead_id}").text).names
    for path, names in found.items():
        forbidden = {"iframe", "img", "@onerror", "@onload", "@onfocus", "@srcdoc", "href=javascript:"}
        assert not names & (forbidden - harmless.get(path, set())), path
    assert "49" not in re.findall(r"\{\{|\b49\b", visitor.get(f"/leads/{lead_id}").text)


def test_what_was_searched_for_stays_text(signed_in: SignInAs) -> None:
    visitor = signed_in("admin")
    for payload in PAYLOADS:
        page = visitor.get("/leads", query_string={"q": payload}).text
        assert not Elements(page).names & {"iframe", "img", "@onerror", "@onload", "@onfocus"}
