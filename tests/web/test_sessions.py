"""Sessions live on the server and end there."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from nurture.clock import FixedClock
from nurture.domain.roles import Role
from nurture.services import accounts
from nurture.services.runtime import Runtime
from nurture.store.base import make_engine
from nurture.store.schema import SignIn
from nurture.web.factory import create_app
from tests.support.runtimes import runtime_on, settings_for
from tests.support.visitor import Visitor
from tests.web.conftest import ADMIN, PASSWORD

SignInAs = Callable[[str], Visitor]


def cookie(visitor: Visitor) -> str:
    held = visitor.client.get_cookie("nurture")
    assert held is not None
    return held.value


def replay(visitor: Visitor, value: str) -> bool:
    thief = Visitor(visitor.app)
    thief.client.set_cookie("nurture", value)
    return thief.is_in()


def rows(runtime: Runtime) -> int:
    with runtime.read() as session:
        return session.scalar(select(func.count()).select_from(SignIn)) or 0


def admin_id(runtime: Runtime, address: str = ADMIN) -> int:
    user = accounts.find_user(runtime, address)
    assert user is not None
    return user.id


def test_a_cookie_that_was_copied_is_worthless_after_log_out(signed_in: SignInAs) -> None:
    visitor = signed_in("admin")
    stolen = cookie(visitor)
    assert replay(visitor, stolen)
    visitor.post("/logout")
    assert not replay(visitor, stolen)
    assert not visitor.is_in()


def test_the_id_is_new_after_log_in_and_an_old_guest_s_cookie_is_not_it(visitor: Visitor) -> None:
    visitor.get("/login")
    before = cookie(visitor)
    visitor.log_in(ADMIN, PASSWORD)
    assert cookie(visitor) != before
    assert not replay(visitor, before)


def test_only_a_hash_of_the_id_is_kept(runtime: Runtime, signed_in: SignInAs) -> None:
    value = cookie(signed_in("admin"))
    with runtime.read() as session:
        kept = session.scalars(select(SignIn.id_hash)).all()
    assert value not in kept
    assert not any(value in str(row) for row in kept)


def test_changing_the_password_ends_every_other_session(signed_in: SignInAs) -> None:
    mine, other = signed_in("admin"), signed_in("admin")
    old_id = cookie(mine)
    new = "a longer sentence this time"
    answer = mine.post("/account/password", {"present": PASSWORD, "password": new, "again": new})
    assert answer.status_code == 303
    assert mine.is_in()
    assert not other.is_in()
    assert not replay(mine, old_id)


@pytest.mark.parametrize("what", ["role", "disable"])
def test_another_role_or_a_shut_account_ends_the_sessions_at_once(
    runtime: Runtime, signed_in: SignInAs, wall: FixedClock, what: str
) -> None:
    visitor = signed_in("editor")
    user_id = admin_id(runtime, "editor@example.com")
    if what == "role":
        accounts.set_role(runtime, user_id, Role.VIEWER, wall.now(), "cli")
    else:
        accounts.disable(runtime, user_id, wall.now(), "cli")
    assert not visitor.is_in()


def test_signing_out_everywhere_else_leaves_this_session(signed_in: SignInAs) -> None:
    here, there = signed_in("admin"), signed_in("admin")
    here.post("/account/sessions/end")
    assert here.is_in()
    assert not there.is_in()


def test_a_session_ends_after_twelve_idle_hours(signed_in: SignInAs, wall: FixedClock) -> None:
    visitor = signed_in("admin")
    wall.advance(timedelta(hours=11, minutes=59))
    assert visitor.is_in()
    wall.advance(timedelta(hours=11, minutes=59))
    assert visitor.is_in()
    wall.advance(timedelta(hours=12))
    assert not visitor.is_in()


def test_a_session_in_use_ends_after_seven_days(signed_in: SignInAs, wall: FixedClock) -> None:
    visitor = signed_in("admin")
    for _ in range(27):
        wall.advance(timedelta(hours=6))
        assert visitor.is_in()
    wall.advance(timedelta(hours=6))
    assert not visitor.is_in()


def test_a_guest_costs_no_row(runtime: Runtime, visitor: Visitor) -> None:
    for path in ("/login", "/forgot", "/", "/static/app.css"):
        visitor.get(path)
    assert rows(runtime) == 0


@pytest.mark.parametrize("value", ["", "guest.", "guest.e30.forged", "x" * 3000, "\u20ac", "../../etc"])
def test_a_forged_cookie_is_nobody(visitor: Visitor, value: str) -> None:
    visitor.client.set_cookie("nurture", value)
    assert not visitor.is_in()
    assert visitor.get("/login").status_code == 200


def test_ended_sessions_are_swept_when_somebody_logs_in(
    runtime: Runtime, signed_in: SignInAs, wall: FixedClock
) -> None:
    signed_in("admin")
    wall.advance(timedelta(days=8))
    signed_in("viewer")
    assert rows(runtime) == 1


def test_pages_of_somebody_signed_in_are_not_kept_by_caches(signed_in: SignInAs) -> None:
    assert signed_in("admin").get("/").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("base_url", "name", "secure"),
    [("https://nurture.example.com", "__Host-nurture", True), ("http://127.0.0.1:8000", "nurture", False)],
)
def test_the_cookie_is_as_strict_as_the_address_allows(
    sqlite_url: str, clock: FixedClock, tmp_path: Path, base_url: str, name: str, secure: bool
) -> None:
    runtime = runtime_on(make_engine(sqlite_url), clock, settings_for(tmp_path, base_url=base_url))
    answer = create_app(runtime).test_client().get("/login", base_url=base_url)
    held = answer.headers["Set-Cookie"]
    assert held.startswith(f"{name}=guest.")
    assert ("Secure" in held, "HttpOnly" in held, "SameSite=Lax" in held) == (secure, True, True)
    assert "Domain" not in held
