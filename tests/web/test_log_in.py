"""Logging in: nothing is given away, guessing is slow, and nobody is led elsewhere."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from nurture.clock import FixedClock
from nurture.services import accounts
from nurture.services.runtime import Runtime
from tests.support.visitor import Visitor
from tests.web.conftest import ADMIN, PASSWORD

WRONG = "wrong kettle orbit"


def text_of(page: str, address: str) -> str:
    """The page without what differs anyway: the token and the address that was typed."""
    return "\n".join(line for line in page.splitlines() if "csrf_token" not in line).replace(address, "…")


def test_address_and_password_open_the_dashboard(visitor: Visitor) -> None:
    answer = visitor.log_in("  Admin@Example.COM ", PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/")
    assert visitor.is_in()


def test_a_known_and_an_unknown_address_get_the_same_answer(app: Flask) -> None:
    known = Visitor(app).log_in(ADMIN, WRONG)
    unknown = Visitor(app).log_in("nobody@example.com", WRONG)
    assert known.status_code == unknown.status_code == 401
    assert text_of(known.text, ADMIN) == text_of(unknown.text, "nobody@example.com")


def test_a_shut_account_is_told_what_a_wrong_password_is_told(
    app: Flask, runtime: Runtime, wall: FixedClock
) -> None:
    user = accounts.find_user(runtime, "viewer@example.com")
    assert user is not None
    accounts.disable(runtime, user.id, wall.now(), "cli")
    answer = Visitor(app).log_in("viewer@example.com", PASSWORD)
    wrong = Visitor(app).log_in(ADMIN, WRONG)
    assert answer.status_code == 401
    assert text_of(answer.text, "viewer@example.com") == text_of(wrong.text, ADMIN)


@pytest.mark.alone
def test_an_unknown_address_takes_as_long_as_a_known_one(app: Flask, wall: FixedClock) -> None:
    def seconds(address: str) -> float:
        samples = []
        for _ in range(7):
            visitor = Visitor(app)
            token = visitor.token()
            wall.advance(timedelta(hours=2))
            started = time.perf_counter()
            visitor.client.post("/login", data={"csrf_token": token, "address": address, "password": WRONG})
            samples.append(time.perf_counter() - started)
        return sorted(samples)[3]

    assert seconds("nobody@example.com") == pytest.approx(seconds(ADMIN), rel=0.5)


def test_of_a_thousand_guesses_hardly_any_is_heard(visitor: Visitor) -> None:
    token = visitor.token()
    form = {"csrf_token": token, "address": ADMIN, "password": WRONG}
    heard = [visitor.client.post("/login", data=form).status_code for _ in range(200)]
    assert heard.count(401) == 5
    assert heard.count(429) == 195


def test_guesses_from_many_places_are_counted_together(app: Flask) -> None:
    answers = [Visitor(app, ip=f"198.51.100.{place}").log_in(ADMIN, WRONG).status_code for place in range(9)]
    assert answers == [401] * 5 + [429] * 4


def test_one_place_that_tries_many_accounts_is_slowed_down(app: Flask) -> None:
    answers = [Visitor(app).log_in(f"person{n}@example.com", WRONG).status_code for n in range(30)]
    assert answers.count(401) == 20


def test_each_failure_doubles_the_wait_and_nobody_is_locked_out_for_good(
    visitor: Visitor, wall: FixedClock
) -> None:
    for _ in range(5):
        visitor.log_in(ADMIN, WRONG)
    assert visitor.log_in(ADMIN, PASSWORD).headers["Retry-After"] == "2"
    wall.advance(timedelta(seconds=2))
    assert visitor.log_in(ADMIN, WRONG).status_code == 401
    assert visitor.log_in(ADMIN, PASSWORD).status_code == 429
    wall.advance(timedelta(minutes=15))
    assert visitor.log_in(ADMIN, PASSWORD).status_code == 303


def test_a_stranger_s_guesses_do_not_keep_the_owner_out(app: Flask) -> None:
    owner, stranger = Visitor(app, ip="192.0.2.5"), Visitor(app, ip="198.51.100.9")
    owner.log_in(ADMIN, PASSWORD)
    for _ in range(20):
        stranger.log_in(ADMIN, WRONG)
    assert stranger.log_in(ADMIN, PASSWORD).status_code == 429
    assert Visitor(app, ip="192.0.2.5").log_in(ADMIN, PASSWORD).status_code == 303


def test_many_right_log_ins_from_one_office_slow_nobody_down(app: Flask) -> None:
    answers = {Visitor(app).log_in(ADMIN, PASSWORD).status_code for _ in range(30)}
    assert answers == {303}


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "",
        "javascript:alert(1)", "https:evil.example", "/\t/evil.example", "%2f%2fevil.example",
        "http:/evil.example", " /leads", "/\n/x", "https://127.0.0.1@evil.example",
    ],
)  # fmt: skip
def test_nobody_is_led_to_another_site_after_log_in(visitor: Visitor, target: str) -> None:
    form = {"csrf_token": visitor.token(), "address": ADMIN, "password": PASSWORD}
    answer = visitor.client.post("/login", query_string={"next": target}, data=form)
    assert answer.location == "/"


def test_after_log_in_one_is_where_one_wanted_to_go(app: Flask) -> None:
    visitor = Visitor(app)
    gate = visitor.get("/leads?q=ana&page=2").location
    assert gate == "/login?next=/leads?q%3Dana%26page%3D2"
    assert visitor.log_in(ADMIN, PASSWORD, gate).location == "/leads?q=ana&page=2"


def test_who_is_in_does_not_see_the_form_again(signed_in: Callable[[str], Visitor]) -> None:
    assert signed_in("admin").get("/login").status_code == 303


@pytest.mark.parametrize(
    "address", ["", "x" * 20_000, "a@b", "a\x00b@example.com", "=?utf-8?q?x?=@x", "<script>@x"]
)
@pytest.mark.parametrize("password", ["", "x" * 20_000, "\x00", "\ud7ff"])
def test_nonsense_is_a_wrong_log_in_and_nothing_worse(visitor: Visitor, address: str, password: str) -> None:
    answer = visitor.log_in(address, password)
    assert answer.status_code == 401
    assert "<script>@x" not in answer.text
