"""The log: one line per event, and nothing in it that gives a secret or a person away."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from nurture.logs import HIDDEN, configure_logs, logger


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs("info", json=True, stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_an_event_is_one_line_with_its_ids_level_and_instant(log: io.StringIO) -> None:
    logger("nurture.deliver").info("message_sent", message_id=7, lead_id=4, step_key="hello")
    (line,) = lines(log)
    assert line["event"] == "message_sent"
    assert (line["message_id"], line["lead_id"], line["step_key"]) == (7, 4, "hello")
    assert (line["level"], line["logger"]) == ("info", "nurture.deliver")
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize(
    "name",
    ["password", "smtp_password", "token", "api_key", "SECRET_KEY", "link_keys", "authorization", "cookie",
     "email", "address", "lead_email", "recipient", "body", "subject"],
)  # fmt: skip
def test_a_value_with_a_telling_name_is_hidden(log: io.StringIO, name: str) -> None:
    logger("test").info("event", **{name: "swordfish"})
    assert lines(log)[0][name] == HIDDEN
    assert "swordfish" not in log.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "550 <swordfish@example.com> refused",
        "connecting to smtp://user:swordfish@mail.example.com:587",
        "Authorization: Bearer swordfish-swordfish",
        "key SG.swordfishxx.swordfish-swordfish",
        "password=swordfish",
        "GET /c/swordfishswordfishswordfish/1",
        'api_key: swordfish, "and more"',
    ],
)
def test_a_secret_inside_of_a_text_is_hidden(log: io.StringIO, text: str) -> None:
    logger("test").warning("event", error=ValueError(text), nested={"list": [text]})
    logging.getLogger("some.library").warning("it said %s", text)
    assert len(lines(log)) == 2
    assert "swordfish" not in log.getvalue()


def test_an_exception_is_written_without_the_address_in_it(log: io.StringIO) -> None:
    try:
        raise ValueError("no such user: swordfish@example.com")
    except ValueError:
        logger("test").exception("failed", lead_id=3)
    (line,) = lines(log)
    assert "ValueError: no such user: (address)" in str(line["exception"])


def test_a_line_break_in_a_value_starts_no_new_line(log: io.StringIO) -> None:
    logger("test").info("event", company="Acme\n{'event': 'forged'}")
    assert len(log.getvalue().splitlines()) == 1


def test_what_is_less_important_than_the_level_is_left_out(log: io.StringIO) -> None:
    logger("test").debug("detail")
    logging.getLogger("apscheduler.scheduler").info("job ran")
    assert log.getvalue() == ""


def test_the_console_form_is_masked_too(log: io.StringIO) -> None:
    configure_logs("debug", json=False, stream=log)
    logger("test").debug("event", password="swordfish", message_id=9)
    assert "swordfish" not in log.getvalue()
    assert "message_id=9" in log.getvalue()
