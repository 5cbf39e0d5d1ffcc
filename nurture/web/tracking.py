"""Pixel and links, answered in front of Flask: the hit is recorded, nothing else changes.

`/o/<token>` gives the same pixel for every token, good or bad. `/c/<token>/<n>` leads to the target that
was fixed when the mail was written; no part of it comes from the request.
"""

import base64
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog
from nurture.content.links import target_of
from nurture.store.templates import compiled_json
from sqlalchemy.exc import SQLAlchemyError

from nurture.domain.engagement import HitKind
from nurture.domain.errors import InvalidToken
from nurture.services.runtime import Runtime
from nurture.store import hits as store
from nurture.store.hits import NewHit
from nurture.tokens import Purpose, verify_message
from nurture.web.spool import HitWriter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_NEVER_CACHED = [
    ("Cache-Control", "no-store, private, max-age=0"),
    ("X-Robots-Tag", "noindex, nofollow"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
_SAFE = frozenset({"GET", "HEAD"})


class Tracking:
    """A WSGI application that answers `/o/` and `/c/` itself and hands everything else on."""

    def __init__(self, runtime: Runtime, behind: "WSGIApplication", writer: HitWriter) -> None:
        self._runtime = runtime
        self._behind = behind
        self._writer = writer
        self._links = lru_cache(maxsize=1024)(self._read_links)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        path: str = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] in _SAFE:
            if path.startswith("/o/"):
                return self._open(path[3:], environ, start_response)
            if path.startswith("/c/"):
                return self._click(path[3:], environ, start_response)
        return self._behind(environ, start_response)

    def _open(
        self, token: str, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        message_id = self._message(token.removesuffix(".gif"))
        if message_id is not None and self._runtime.settings.track_opens:
            self._writer.put(self._hit(message_id, HitKind.OPEN, None, environ), durable=False)
        headers = [("Content-Type", "image/gif"), ("Content-Length", str(len(PIXEL))), *_NEVER_CACHED]
        start_response("200 OK", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [PIXEL]

    def _click(
        self, rest: str, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        token, _, number = rest.partition("/")
        message_id = self._message(token)
        target = self._target(message_id, number) if message_id is not None else None
        if message_id is None or target is None:
            # Flask answers what is not ours to answer, with its own 404 page.
            return self._behind(environ, start_response)
        if self._runtime.settings.track_clicks:
            self._writer.put(self._hit(message_id, HitKind.CLICK, int(number), environ), durable=True)
        start_response("302 Found", [("Location", target), ("Content-Length", "0"), *_NEVER_CACHED])
        return []

    def _message(self, token: str) -> int | None:
        try:
            return verify_message(self._runtime.links, Purpose.HIT, token)
        except InvalidToken:
            return None

    def _target(self, message_id: int, number: str) -> str | None:
        if not number.isascii() or not number.isdecimal() or len(number) > 4:
            return None
        try:
            with self._runtime.read() as session:
                version = store.template_of(session, message_id)
                static = self._links(version) if version else {}
                return target_of(static, int(number)) or store.stored_target(session, message_id, int(number))
        except SQLAlchemyError:
            log.exception("a link's target could not be read", action="click", message_id=message_id)
            return None

    def _read_links(self, version: str) -> dict[str, object]:
        with self._runtime.read() as session:
            return compiled_json(session, version)

    def _hit(self, message_id: int, kind: HitKind, link: int | None, environ: "WSGIEnvironment") -> NewHit:
        return NewHit(
            message_id=message_id,
            kind=kind,
            method=environ["REQUEST_METHOD"],
            at=self._runtime.clock.now(),
            link=link,
            ip=client_address(environ, self._runtime.settings.trusted_proxies),
            user_agent=environ.get("HTTP_USER_AGENT"),
        )


def client_address(environ: "WSGIEnvironment", proxies: int) -> str | None:
    """Who asked: the address that the outermost of our own proxies saw, never one that the client made up."""
    forwarded = [part.strip() for part in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if proxies and len(forwarded) >= proxies:
        return str(forwarded[-proxies])[:45]
    address = environ.get("REMOTE_ADDR")
    return str(address)[:45] if address else None
