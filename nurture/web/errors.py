"""Errors as pages in the app's look: what happened, and what to do. Never a trace, never a secret."""

from dataclasses import dataclass
from http import HTTPStatus

import structlog
from flask import Flask, flash, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from nurture.domain.errors import (
    ConflictError,
    Forbidden,
    InputError,
    InvalidToken,
    NotFound,
    NotSignedIn,
    NurtureError,
    SecurityError,
    TooManyAttempts,
)
from nurture.web.guards import to_login

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Words:
    """What an error page says."""

    title: str
    advice: str
    icon: str = "alert-circle"


_WORDS = {
    400: Words("We could not read that", "Something about the request was not right. Go back and try again."),
    403: Words("That is not yours to do", "Your role does not allow it; an administrator can.", "lock"),
    404: Words("Nothing here", "The page does not exist, or what it showed is gone.", "map-pin"),
    405: Words("Not this way", "The page exists, but it cannot be asked like that."),
    409: Words("Somebody was faster", "It changed while you were looking. Load the page again.", "refresh"),
    413: Words("That is too large", "At most 10 MB can be sent at a time.", "upload"),
    422: Words("That does not fit", "Look at the values once more."),
    429: Words("One moment", "Too many tries in a short time. Wait a little.", "hourglass"),
    500: Words("That was our fault", "The error was written to the log. Try again in a moment.", "bug"),
    503: Words("Not right now", "The database does not answer. Try again in a moment.", "database"),
}


def install(app: Flask) -> None:
    """Answer every error with a page."""
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(NurtureError, _nurture)
    app.register_error_handler(OperationalError, _unavailable)
    app.register_error_handler(PoolTimeout, _unavailable)
    app.register_error_handler(Exception, _unforeseen)


def _csrf(error: CSRFError) -> Response:
    return _page(400, "The form was too old, or it did not come from this page. Load the page again.")


def _http(error: HTTPException) -> Response:
    if error.code is not None and 300 <= error.code < 400:
        return error.get_response()
    own_words = error.description if error.code == 400 and type(error).__name__ == "BadRequest" else None
    answer = _page(error.code or 500, own_words if own_words and "NURTURE_" in own_words else None)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _nurture(error: NurtureError) -> Response:
    match error:
        case NotSignedIn():
            return to_login()
        case TooManyAttempts():
            answer = _page(429)
            answer.headers["Retry-After"] = str(round(error.retry_after.total_seconds()) + 1)
            return answer
        case Forbidden():
            log.warning("refused", action="forbidden", path=request.path, why=str(error))
            return _page(403)
        case InvalidToken() | NotFound():
            return _page(404)
        case SecurityError():
            log.warning("refused", action="security", path=request.path, why=str(error))
            return _page(400)
        case ConflictError():
            return _page(409, str(error))
        case InputError():
            return _page(422, str(error))
        case _:
            return _unforeseen(error)


def _unavailable(error: Exception) -> Response:
    log.error("the database does not answer", action="request", path=request.path, exc_info=error)
    answer = _page(503)
    answer.headers["Retry-After"] = "5"
    return answer


def _unforeseen(error: Exception) -> Response:
    log.error("an error that nobody foresaw", action="request", path=request.path, exc_info=error)
    return _page(500)


def _page(code: int, advice: str | None = None) -> Response:
    words = _WORDS.get(code) or Words(HTTPStatus(code).phrase, "Go back and try again.")
    answer = Response(
        render_template("error.html", code=code, words=words, advice=advice or words.advice),
        status=code,
        mimetype="text/html",
    )
    return answer


def tell(words: str, kind: str) -> None:
    """Say something on the next page; it may quote what was typed, so it is cleaned for the database."""
    flash("".join(character for character in words if character.isprintable()), kind)


class Saying:
    """A block whose success or failure is told on the next page.

    `with Saying("The campaign is running."): start(…)`: what a person can put right is shown as they
    will read it, everything else goes on to the error pages.
    """

    def __init__(self, success: str) -> None:
        self._success = success
        self.succeeded = False

    def __enter__(self) -> "Saying":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if error is None:
            self.succeeded = True
            tell(self._success, "success")
            return False
        if isinstance(error, InputError | ConflictError):
            tell(str(error), "danger")
            return True
        return False
