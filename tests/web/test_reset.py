"""Getting back in by mail."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from nurture.clock import FixedClock
from nurture.domain.roles import Role
from nurture.services import accounts
from nurture.services.deliver import Pace, deliver
from nurture.services.files import Paths, apply
from nurture.services.runtime import Runtime
from nurture.store.schema import Message, OutboxMail, UserToken
from tests.support.visitor import Visitor
from tests.web.conftest import ADMIN, PASSWORD

NEW = "lantern pebble train"
SignInAs = Callable[[str], Visitor]


@pytest.fixture(autouse=True)
def _templates(runtime: Runtime, clock: FixedClock) -> None:
    apply(runtime, Paths.of(runtime.settings), clock.now(), "cli")


def mails(runtime: Runtime) -> list[str]:
    with runtime.read() as session:
        return list(session.scalars(select(Message.address).where(Message.kind == "system")))


def link_in_the_mail(runtime: Runtime) -> str:
    deliver(runtime, runtime.clock.now(), Pace())
    with runtime.read() as session:
        raw = session.scalars(select(OutboxMail.raw).order_by(OutboxMail.id.desc())).first()
    assert raw is not None
    text = raw.decode().replace("=\r\n", "").replace("=3D", "=")
    found = re.search(r"(http\S+)/reset/([\w-]{43})", text)
    assert found is not None, text
    assert found[1] == runtime.settings.base_url
    return f"/reset/{found[2]}"


def test_the_answer_is_the_same_for_every_address(app: Flask, runtime: Runtime) -> None:
    known = Visitor(app).post("/forgot", {"address": ADMIN}, follow_redirects=True)
    unknown = Visitor(app).post("/forgot", {"address": "nobody@example.com"}, follow_redirects=True)
    nonsense = Visitor(app).post("/forgot", {"address": "\x00no address"}, follow_redirects=True)
    texts = {re.sub(r'value="[^"]*"', "", answer.text) for answer in (known, unknown, nonsense)}
    assert len(texts) == 1
    assert mails(runtime) == [ADMIN]


def test_the_link_sets_a_password_once_and_ends_all_sessions(
    app: Flask, runtime: Runtime, signed_in: SignInAs
) -> None:
    thief = signed_in("admin")
    visitor = Visitor(app)
    visitor.post("/forgot", {"address": ADMIN})
    link = link_in_the_mail(runtime)
    assert visitor.get(link).status_code == 200
    assert visitor.post(link, {"password": NEW, "again": NEW}).location == "/login"
    assert not thief.is_in()
    assert visitor.post(link, {"password": PASSWORD, "again": PASSWORD}).status_code == 404
    assert visitor.log_in(ADMIN, PASSWORD).status_code == 401
    assert visitor.log_in(ADMIN, NEW).status_code == 303


def test_the_link_leads_to_our_own_address_whatever_the_request_says(app: Flask, runtime: Runtime) -> None:
    visitor = Visitor(app)
    visitor.post("/forgot", {"address": ADMIN}, headers={"X-Forwarded-Host": "evil.example"})
    assert link_in_the_mail(runtime).startswith("/reset/")


def test_a_weak_password_does_not_use_the_link_up(app: Flask, runtime: Runtime) -> None:
    visitor = Visitor(app)
    visitor.post("/forgot", {"address": ADMIN})
    link = link_in_the_mail(runtime)
    for weak in ("short", "x" * 200, "aaaaaaaaaaaa", "password1234", "admin@example.com"):
        assert visitor.post(link, {"password": weak, "again": weak}).status_code == 422
    assert visitor.post(link, {"password": NEW, "again": "something else"}).status_code == 422
    assert visitor.post(link, {"password": NEW, "again": NEW}).status_code == 303


def test_the_link_runs_out_after_two_hours(app: Flask, runtime: Runtime, wall: FixedClock) -> None:
    visitor = Visitor(app)
    visitor.post("/forgot", {"address": ADMIN})
    link = link_in_the_mail(runtime)
    wall.advance(timedelta(hours=2))
    assert visitor.get(link).status_code == 404


def test_a_newer_link_replaces_the_older(app: Flask, runtime: Runtime, wall: FixedClock) -> None:
    visitor = Visitor(app)
    visitor.post("/forgot", {"address": ADMIN})
    older = link_in_the_mail(runtime)
    wall.advance(timedelta(minutes=1))
    visitor.post("/forgot", {"address": ADMIN})
    newer = link_in_the_mail(runtime)
    assert visitor.get(older).status_code == 404
    assert visitor.get(newer).status_code == 200


def test_nobody_s_mailbox_is_flooded(app: Flask, runtime: Runtime) -> None:
    for _ in range(12):
        assert Visitor(app).post("/forgot", {"address": ADMIN}).status_code == 303
    assert len(mails(runtime)) == 3


def test_a_shut_account_gets_no_link(app: Flask, runtime: Runtime, wall: FixedClock) -> None:
    user = accounts.find_user(runtime, "viewer@example.com")
    assert user is not None
    accounts.disable(runtime, user.id, wall.now(), "cli")
    Visitor(app).post("/forgot", {"address": "viewer@example.com"})
    assert mails(runtime) == []


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "..%2f..", "A" * 3000])
def test_a_made_up_link_leads_nowhere(visitor: Visitor, token: str) -> None:
    assert visitor.get(f"/reset/{token}").status_code == 404


def test_only_a_hash_of_the_link_is_kept(app: Flask, runtime: Runtime) -> None:
    Visitor(app).post("/forgot", {"address": ADMIN})
    token = link_in_the_mail(runtime).removeprefix("/reset/")
    with runtime.read() as session:
        assert token not in session.scalars(select(UserToken.token_hash)).all()


def test_an_invited_colleague_chooses_a_password(app: Flask, runtime: Runtime, signed_in: SignInAs) -> None:
    form = {"address": "new@example.com", "name": "Nina New", "role": "editor"}
    signed_in("admin").post("/people", form)
    visitor = Visitor(app)
    visitor.post(link_in_the_mail(runtime), {"password": NEW, "again": NEW})
    assert visitor.log_in("new@example.com", NEW).status_code == 303
    user = accounts.find_user(runtime, "new@example.com")
    assert user is not None
    assert (user.role, user.name) == (Role.EDITOR, "Nina New")


def test_an_invitation_to_a_known_address_is_refused(runtime: Runtime, signed_in: SignInAs) -> None:
    page = signed_in("admin").post("/people", {"address": ADMIN, "role": "editor"}, follow_redirects=True)
    assert "There is a user" in page.text
