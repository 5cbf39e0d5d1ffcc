"""The second factor: asked for after the password, each code good once."""

import re
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select

from nurture.clock import FixedClock
from nurture.services.runtime import Runtime
from nurture.store.schema import SignIn, User
from tests.support.visitor import Visitor
from tests.web.conftest import ADMIN, PASSWORD

SignInAs = Callable[[str], Visitor]


class Phone:
    """An authenticator app that shares the clock."""

    def __init__(self, secret: str, wall: FixedClock) -> None:
        self._totp, self._wall = pyotp.TOTP(secret), wall

    def code(self, off: timedelta = timedelta()) -> str:
        return str(self._totp.at(self._wall.now() + off))


def turn_on(visitor: Visitor, wall: FixedClock) -> tuple[Phone, list[str]]:
    page = visitor.get("/account/second-factor").text
    secret = re.search(r'class="secret mb-0">([A-Z2-7 ]+)<', page)
    assert secret is not None
    phone = Phone(secret[1].replace(" ", ""), wall)
    answer = visitor.post("/account/second-factor", {"code": phone.code(), "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return phone, re.findall(r"<li>([a-z2-9]{5}-[a-z2-9]{5})</li>", answer.text)


@pytest.fixture
def phone_and_codes(signed_in: SignInAs, wall: FixedClock) -> tuple[Phone, list[str]]:
    """The administrator's phone and recovery codes; set up a minute ago, so that a fresh code shows."""
    found = turn_on(signed_in("admin"), wall)
    wall.advance(timedelta(minutes=2))
    return found


def test_a_password_alone_opens_nothing_any_more(
    app: Flask, phone_and_codes: tuple[Phone, list[str]]
) -> None:
    visitor = Visitor(app)
    assert visitor.log_in(ADMIN, PASSWORD).location == "/login/code"
    assert not visitor.is_in()
    assert visitor.get("/login/code").status_code == 200
    answer = visitor.post("/login/code", {"code": phone_and_codes[0].code()})
    assert (answer.status_code, answer.location) == (303, "/")
    assert visitor.is_in()


def test_a_code_works_once(app: Flask, phone_and_codes: tuple[Phone, list[str]]) -> None:
    code = phone_and_codes[0].code()
    first, second = Visitor(app), Visitor(app)
    for visitor in (first, second):
        visitor.log_in(ADMIN, PASSWORD)
        visitor.post("/login/code", {"code": code})
    assert first.is_in()
    assert not second.is_in()


@pytest.mark.parametrize(("off", "good"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_code_of_the_neighbouring_half_minute_is_taken_and_no_other(
    app: Flask, phone_and_codes: tuple[Phone, list[str]], off: int, good: bool
) -> None:
    visitor = Visitor(app)
    visitor.log_in(ADMIN, PASSWORD)
    visitor.post("/login/code", {"code": phone_and_codes[0].code(timedelta(seconds=off))})
    assert visitor.is_in() is good


def test_a_recovery_code_works_once_however_it_is_written(
    app: Flask, phone_and_codes: tuple[Phone, list[str]]
) -> None:
    codes = phone_and_codes[1]
    assert len(set(codes)) == 10
    first, second = Visitor(app), Visitor(app)
    for visitor in (first, second):
        visitor.log_in(ADMIN, PASSWORD)
        visitor.post("/login/code", {"code": codes[3].upper().replace("-", " ")})
    assert first.is_in()
    assert not second.is_in()


def test_guessing_codes_is_slow(app: Flask, phone_and_codes: tuple[Phone, list[str]]) -> None:
    visitor = Visitor(app)
    visitor.log_in(ADMIN, PASSWORD)
    answers = [visitor.post("/login/code", {"code": f"{n:06}"}).status_code for n in range(12)]
    assert answers == [401] * 5 + [429] * 7


def test_the_half_open_session_ends_after_ten_minutes(
    app: Flask, phone_and_codes: tuple[Phone, list[str]], wall: FixedClock
) -> None:
    visitor = Visitor(app)
    visitor.log_in(ADMIN, PASSWORD)
    wall.advance(timedelta(minutes=10))
    assert visitor.get("/login/code").location == "/login"
    assert visitor.post("/login/code", {"code": phone_and_codes[0].code()}).location == "/login"


def test_without_the_right_password_before_there_is_no_code_to_give(visitor: Visitor) -> None:
    assert visitor.get("/login/code").location == "/login"


def test_neither_secret_nor_codes_lie_open_in_the_database(
    runtime: Runtime, signed_in: SignInAs, wall: FixedClock
) -> None:
    phone, codes = turn_on(signed_in("admin"), wall)
    with runtime.read() as session:
        user = session.scalars(select(User).where(User.address == ADMIN)).one()
        kept = f"{user.totp_secret} {user.recovery_hashes} {session.scalars(select(SignIn.data)).all()}"
    assert phone._totp.secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


def test_turning_it_on_ends_all_other_sessions(signed_in: SignInAs, wall: FixedClock) -> None:
    mine, other = signed_in("admin"), signed_in("admin")
    turn_on(mine, wall)
    assert mine.is_in()
    assert not other.is_in()


def test_it_is_not_turned_on_by_a_wrong_code_or_password(signed_in: SignInAs, wall: FixedClock) -> None:
    visitor = signed_in("admin")
    visitor.get("/account/second-factor")
    for form in ({"code": "000000", "password": PASSWORD}, {"code": "000000", "password": "not this one"}):
        assert visitor.post("/account/second-factor", form).location == "/account/second-factor"
    visitor.post("/logout")
    assert visitor.log_in(ADMIN, PASSWORD).location == "/"


def test_new_recovery_codes_replace_the_old_ones(
    app: Flask, phone_and_codes: tuple[Phone, list[str]], wall: FixedClock
) -> None:
    phone, old = phone_and_codes
    visitor = Visitor(app)
    visitor.log_in(ADMIN, PASSWORD)
    visitor.post("/login/code", {"code": phone.code()})
    page = visitor.post("/account/second-factor/codes", {"password": PASSWORD}).text
    new = re.findall(r"<li>([a-z2-9]{5}-[a-z2-9]{5})</li>", page)
    other = Visitor(app)
    other.log_in(ADMIN, PASSWORD)
    other.post("/login/code", {"code": old[0]})
    assert not other.is_in()
    other.post("/login/code", {"code": new[0]})
    assert other.is_in()


def test_it_is_turned_off_with_the_password_alone(
    app: Flask, phone_and_codes: tuple[Phone, list[str]]
) -> None:
    visitor = Visitor(app)
    visitor.log_in(ADMIN, PASSWORD)
    visitor.post("/login/code", {"code": phone_and_codes[0].code()})
    visitor.post("/account/second-factor/off", {"password": "not this one"})
    assert Visitor(app).log_in(ADMIN, PASSWORD).location == "/login/code"
    visitor.post("/account/second-factor/off", {"password": PASSWORD})
    assert Visitor(app).log_in(ADMIN, PASSWORD).location == "/"
