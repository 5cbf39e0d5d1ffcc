"""How values look."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from markupsafe import Markup

from nurture.web import display

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def request_context(app: Flask) -> Iterator[None]:
    """A request at `NOW`, by a guest, in UTC."""
    with app.test_request_context("/login"):
        yield


@pytest.mark.parametrize(("value", "text"), [(12847, "12,847"), (0, "0"), (None, "–"), (3.0, "3")])
def test_numbers_have_thousands_apart(value: float | None, text: str) -> None:
    assert display.number(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(1, 8, "12.5 %"), (0, 5, "0.0 %"), (3, 0, "–"), (0, 0, "–")]
)
def test_a_rate_without_a_denominator_is_a_dash(part: int, whole: int, text: str) -> None:
    assert display.rate(part, whole) == text


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (5.04, False, "5.0"),
        (5.0, True, "+5.0"),
        (-2.5, True, "−2.5"),
        (-0.04, True, "0.0"),
        (0.0, True, "0.0"),
        (None, True, "–"),
    ],
)
def test_points_have_one_decimal_and_a_real_minus(value: float | None, signed: bool, text: str) -> None:
    assert display.points(value, signed) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=20), "just now"), (timedelta(seconds=-20), "in a moment"),
        (timedelta(minutes=9), "9 min ago"), (timedelta(hours=-2), "in 2 h"), (timedelta(days=3), "3 d ago"),
        (timedelta(days=60), "1 Jan 2026"), (timedelta(days=-60), "1 May 2026"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("request_context")
def test_instants_are_told_from_now(age: timedelta, text: str) -> None:
    shown = display.ago(NOW - age)
    assert f">{text}</time>" in shown
    assert 'UTC">' in shown


@pytest.mark.usefixtures("request_context")
@pytest.mark.parametrize("show", [display.ago, display.moment, display.day])
def test_no_instant_is_a_dash(show: Callable[[datetime | None], str]) -> None:
    assert show(None) == "–"


@pytest.mark.usefixtures("request_context")
def test_days_and_moments() -> None:
    assert display.day(date(2026, 3, 9)) == "9 Mar 2026"
    assert ">2 Mar 2026, 10:00</time>" in display.moment(NOW)


@pytest.mark.parametrize(
    ("name", "text"), [("Ana Lima", "AL"), ("ana@example.com", "AE"), ("", "?"), ("🙂", "?"), ("Émile", "É")]
)
def test_initials(name: str, text: str) -> None:
    assert display.initials(name) == text


def test_the_same_key_always_has_the_same_tint() -> None:
    assert len({display.tint(17) for _ in range(5)}) == 1
    assert len({display.tint(key) for key in range(100)}) == 6


def test_text_with_backticks_becomes_code_and_nothing_else() -> None:
    assert display.code("use `<b>` now") == Markup("use <code>&lt;b&gt;</code> now")


@pytest.mark.parametrize(
    ("agent", "text"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
        ("", "A browser"),
        (None, "A browser"),
    ],
)
def test_browsers_are_named(agent: str | None, text: str) -> None:
    assert display.browser(agent) == text


def test_every_icon_that_a_template_names_exists(app: Flask) -> None:
    with pytest.raises(KeyError):
        display.icon("no-such-icon")
    assert "<path" in display.icon("mail")


@pytest.mark.usefixtures("request_context")
def test_a_static_file_s_address_changes_with_its_content() -> None:
    assert display.asset("app.css").startswith("/static/app.css?v=")
