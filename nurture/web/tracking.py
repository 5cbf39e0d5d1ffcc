"""Pixel and links, answered in front of Flask: the hit is recorded, nothing else changes.

That a page behind a mail was asked for is recorded too: who asks for all of them is a machine.

`/o/<token>` gives the same pixel for every token, good or bad. `/c/<token>/<n>` leads to the target that
was fixed when the mail was written; no part of it comes from the request. Targets that were asked for
before are known by heart, so that a link goes on leading somewhere while the database is away.
"""

import base64
import ipaddress
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.urls import iri_to_uri

from nurture.content.links import target_of
from nurture.domain.engagement import HitKind
from nurture.domain.errors import InvalidToken, NotFound
from nurture.services.runtime import Runtime
from nurture.store import hits as store
from nurture.store.hits import NewHit
from nurture.store.templates import compiled_json
from nurture.tokens import Purpose, verify_message
from nurture.web.hit_writer import HitWriter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
TARGETS_KNOWN = 20_000
VERSIONS_KNOWN = 1_000
MAX_DIGITS = 4
_PROTECTION = [
    ("Cache-Control", "no-store, private, max-age=0"),
    ("X-Robots-Tag", "noindex, nofollow"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
_PAGES = {
    "/u/": (Purpose.UNSUBSCRIBE, HitKind.UNSUBSCRIBE_PAGE),
    "/v/": (Purpose.VIEW, HitKind.VIEW_PAGE),
}
_SAFE = frozenset({"GET", "HEAD"})
_AWAY = b"This link cannot be followed just now. Please try again in a minute.\n"


class Tracking:
    """A WSGI application that answers `/o/` and `/c/` itself and hands everything else on."""

    def __init__(self, runtime: Runtime, behind: "WSGIApplication", writer: HitWriter) -> None:
        self._runtime = runtime
        self._behind = behind
        self._writer = writer
        self._target = lru_cache(TARGETS_KNOWN)(self._read_target)
        self._links = lru_cache(VERSIONS_KNOWN)(self._read_links)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        path: str = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] in _SAFE:
            if path.startswith("/o/"):
                return self._open(path[3:], environ, start_response)
            if path.startswith("/c/"):
                return self._click(path[3:], environ, start_response)
            self._note_page(path, environ)
        return self._behind(environ, start_response)

    def _note_page(self, path: str, environ: "WSGIEnvironment") -> None:
        purpose, kind = _PAGES.get(path[:3], (None, HitKind.VIEW_PAGE))
        if purpose is None or not self._runtime.settings.track_clicks:
            return
        message_id = self._message(path[3:], purpose)
        if message_id is not None:
            self._writer.put(self._hit(message_id, kind, None, environ), durable=False)

    def _open(
        self, token: str, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        message_id = self._message(token)
        if message_id is not None and self._runtime.settings.track_opens:
            self._writer.put(self._hit(message_id, HitKind.OPEN, None, environ), durable=False)
        headers = [("Content-Type", "image/gif"), ("Content-Length", str(len(PIXEL))), *_PROTECTION]
        start_response("200 OK", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [PIXEL]

    def _click(
        self, rest: str, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        token, _, digits = rest.partition("/")
        message_id, number = self._message(token), _number(digits)
        if message_id is None or number is None:
            # Flask answers what is not ours to answer, with its own 404 page.
            return self._behind(environ, start_response)
        try:
            target = self._target(message_id, number)
        except NotFound:
            return self._behind(environ, start_response)
        except SQLAlchemyError:
            log.exception("a link's target could not be read", action="click", message_id=message_id)
            return _try_again(environ, start_response)
        if self._runtime.settings.track_clicks:
            self._writer.put(self._hit(message_id, HitKind.CLICK, number, environ), durable=True)
        start_response("302 Found", [("Location", target), ("Content-Length", "0"), *_PROTECTION])
        return []

    def _message(self, token: str, purpose: Purpose = Purpose.HIT) -> int | None:
        try:
            return verify_message(self._runtime.links, purpose, token)
        except InvalidToken:
            return None

    def _read_target(self, message_id: int, number: int) -> str:
        """Where a link leads; it never changes, so it is read once.

        Raises:
            NotFound: there is no such link.
            SQLAlchemyError: the database is away.
        """
        with self._runtime.read() as session:
            version = store.template_of(session, message_id)
            compiled = self._links(version) if version else {}
            target = target_of(compiled, number) if compiled else None
            target = target or store.stored_target(session, message_id, number)
        if target is None or not _is_web_address(target):
            raise NotFound(f"Message {message_id} has no link {number}.")
        return iri_to_uri(target)

    def _read_links(self, version: str) -> Mapping[str, Any]:
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
    claimed = forwarded[-proxies] if proxies and len(forwarded) >= proxies else environ.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(claimed))[:45]
    except ValueError:
        return None


def _is_web_address(target: str) -> bool:
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and target.isprintable()


def _number(digits: str) -> int | None:
    """The number of a link, in its one spelling."""
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > MAX_DIGITS:
        return None
    return int(digits) if str(int(digits)) == digits else None


def _try_again(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(_AWAY))), ("Retry-After", "60")]
    start_response("503 Service Unavailable", [*headers, *_PROTECTION])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [_AWAY]
