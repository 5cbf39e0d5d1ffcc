"""The blueprint that the modules beside this one add their views to, and what they share."""

from typing import Any

from flask import Blueprint, current_app

from nurture.web.context import client, web_session
from nurture.web.sessions import ServerSessions

auth = Blueprint("auth", __name__)


def begin_session(user_id: int | None, **data: Any) -> None:
    """A new session with a new id for this browser; without a user it only waits for the second factor."""
    _sessions().begin(web_session(), user_id, client(), data)


def end_session() -> None:
    """End this browser's session."""
    _sessions().end(web_session())


def _sessions() -> ServerSessions:
    interface = current_app.session_interface
    assert isinstance(interface, ServerSessions)  # noqa: S101 - says what the factory installs
    return interface
