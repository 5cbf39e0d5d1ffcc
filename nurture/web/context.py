"""What every view may ask of its request: the runtime, the time, who is asking."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import current_app, g, request, session

from nurture.clock import Clock
from nurture.domain.errors import NotSignedIn
from nurture.services.accounts.sessions import Client
from nurture.services.runtime import Runtime
from nurture.store.users import UserView
from nurture.web.sessions import WebSession

RUNTIME, WALL_CLOCK = "nurture", "nurture-wall-clock"


def the_runtime() -> Runtime:
    """The installation that this application serves."""
    runtime: Runtime = current_app.extensions[RUNTIME]
    return runtime


def now() -> datetime:
    """Business time, read once a request; the demo's may run ahead of the wall clock."""
    if "now" not in g:
        g.now = the_runtime().clock.now()
    instant: datetime = g.now
    return instant


def wall_now() -> datetime:
    """Real time: for sessions, one-time codes and everything else about people at their screens."""
    if "wall_now" not in g:
        clock: Clock = current_app.extensions[WALL_CLOCK]
        g.wall_now = clock.now()
    instant: datetime = g.wall_now
    return instant


def web_session() -> WebSession:
    """The session of this request."""
    # Flask hands out a proxy of whatever our interface has opened.
    current = session._get_current_object()  # type: ignore[attr-defined] # the proxy has it
    assert isinstance(current, WebSession)  # noqa: S101 - says what our own interface returns
    return current


def user_or_none() -> UserView | None:
    """Who is signed in, if anybody is."""
    opened = web_session().opened
    return None if opened is None else opened.user


def current_user() -> UserView:
    """Who is signed in.

    Raises:
        NotSignedIn: nobody is.
    """
    user = user_or_none()
    if user is None:
        raise NotSignedIn("Nobody is signed in.")
    return user


def actor() -> str:
    """How the audit log calls whoever is signed in."""
    return f"user:{current_user().id}"


def client() -> Client:
    """Where the request comes from."""
    return Client(request.remote_addr, request.headers.get("User-Agent"))


def display_zone() -> ZoneInfo:
    """The zone in which instants are shown: the user's own, else the organisation's."""
    if "zone" not in g:
        user = user_or_none()
        g.zone = ZoneInfo((user.zone if user else None) or the_runtime().settings.zone)
    zone: ZoneInfo = g.zone
    return zone
