"""The browser's side of sessions: a cookie with a random id, or, before log-in, a signed note.

A guest costs no row in the database: what little has to be remembered before log-in (the token of the form)
travels in a signed cookie. From the moment the password was right, the session is a row on the server.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from itsdangerous import BadData, URLSafeTimedSerializer

from nurture.clock import Clock
from nurture.services.accounts import sessions as accounts
from nurture.services.accounts.sessions import Client, OpenSession
from nurture.services.runtime import Runtime

GUEST = "guest."
GUEST_SECONDS = 3600


class WebSession(dict[str, Any], SessionMixin):
    """What Flask and its extensions see as the session; `opened` is the server's row, if there is one."""

    def __init__(self, values: Mapping[str, Any], opened: OpenSession | None = None) -> None:
        super().__init__(values)
        self.opened = opened
        self.fresh_id: str | None = None
        self._as_read = deepcopy(dict(values))

    @property
    def changed(self) -> bool:
        """Whether anything is different from what was read."""
        return dict(self) != self._as_read

    def become(self, raw: str | None, opened: OpenSession | None) -> None:
        """Turn into another session, with another id; nothing of the old one is kept."""
        self.clear()
        self.opened = opened
        self.fresh_id = raw
        if opened is not None:
            self.update(opened.sign_in.data)
        self._as_read = deepcopy(dict(self))


class ServerSessions(SessionInterface):
    """Opens and saves sessions for Flask."""

    def __init__(self, runtime: Runtime, wall: Clock) -> None:
        self._runtime = runtime
        self._wall = wall
        self._guests = URLSafeTimedSerializer(runtime.settings.session_secret(), salt="nurture guest")
        self.cookie = "__Host-nurture" if runtime.settings.is_https else "nurture"

    def open_session(self, app: Flask, request: Request) -> WebSession:
        """The session that the cookie names; a guest's where it names none that lives."""
        value = request.cookies.get(self.cookie, "")
        if not value or request.path.startswith("/static/"):
            return WebSession({})
        if value.startswith(GUEST):
            return WebSession(self._read_guest(value.removeprefix(GUEST)))
        opened = accounts.find(self._runtime, value, self._wall.now())
        return WebSession({} if opened is None else opened.sign_in.data, opened)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed, and tell the browser its id where that is new."""
        if not isinstance(session, WebSession):
            return
        if session.opened is not None:
            self._keep(session, session.opened, response)
        elif session.changed and session:
            self._set(response, GUEST + self._guests.dumps(dict(session)))
        elif session.fresh_id == "":
            self._forget(response)

    def begin(
        self, session: WebSession, user_id: int | None, client: Client, data: Mapping[str, Any]
    ) -> None:
        """Give the browser a new session with a new id; the one it had ends."""
        self._end_row(session)
        raw, opened = accounts.begin(self._runtime, user_id, client, data, self._wall.now())
        session.become(raw, opened)

    def end(self, session: WebSession) -> None:
        """End the session; its id is worthless from now on."""
        self._end_row(session)
        session.become("", None)

    def _end_row(self, session: WebSession) -> None:
        if session.opened is not None:
            accounts.end(self._runtime, session.opened.sign_in.id_hash)

    def _read_guest(self, signed: str) -> dict[str, Any]:
        try:
            values = self._guests.loads(signed, max_age=GUEST_SECONDS)
        except BadData:
            return {}
        return values if isinstance(values, dict) else {}

    def _keep(self, session: WebSession, opened: OpenSession, response: Response) -> None:
        now: datetime = self._wall.now()
        stale = now - opened.sign_in.seen_at > accounts.TOUCH_EVERY
        if session.changed or stale:
            lives = accounts.keep(self._runtime, opened.sign_in.id_hash, dict(session), now)
            if not lives:
                self._forget(response)
                return
        if session.fresh_id:
            self._set(response, session.fresh_id)

    def _set(self, response: Response, value: str) -> None:
        response.set_cookie(
            self.cookie,
            value,
            secure=self._runtime.settings.is_https,
            httponly=True,
            samesite="Lax",
            path="/",
        )

    def _forget(self, response: Response) -> None:
        response.delete_cookie(
            self.cookie, path="/", secure=self._runtime.settings.is_https, httponly=True, samesite="Lax"
        )
