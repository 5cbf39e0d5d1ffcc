"""What comes in by query and form, made safe: anything that cannot be used counts as not given."""

import re
from datetime import UTC, datetime

from flask import request
from werkzeug.routing import BaseConverter

MAX_PAGE = 100_000
MAX_TEXT = 200


class SlugConverter(BaseConverter):
    """A campaign's slug or the like; anything else is a 404 before any view runs."""

    regex = "[a-z0-9][a-z0-9_-]{0,126}"


class IdConverter(BaseConverter):
    """A row's id, small enough for every database."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Text to number."""
        return int(value)


def text_argument(name: str) -> str:
    """A short text of the query, without control characters."""
    return clean_text(request.args.get(name, ""))


def clean_text(text: str) -> str:
    """Printable characters only (a database refuses NUL), at most 200."""
    return "".join(character for character in text if character.isprintable()).strip()[:MAX_TEXT]


def choice_argument(name: str, allowed: tuple[str, ...], default: str = "") -> str:
    """One of the values that are allowed, else the default."""
    value = request.args.get(name, "")
    return value if value in allowed else default


def page_argument() -> int:
    """Which page of a list; the first where it is no sensible number."""
    value = request.args.get("page", "")
    if not re.fullmatch(r"[0-9]{1,6}", value, re.ASCII):
        return 1
    return min(max(int(value), 1), MAX_PAGE)


def cursor_argument(name: str) -> int | None:
    """The id that a page goes on after, if it is one."""
    value = request.args.get(name, "")
    return int(value) if re.fullmatch(r"[1-9][0-9]{0,17}", value, re.ASCII) else None


def instant_argument(name: str) -> datetime | None:
    """An instant in ISO 8601 of this or a neighbouring century, if it is one; UTC where it names no zone."""
    try:
        instant = datetime.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    if not 1900 <= instant.year <= 2200:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def wants_part(target: str) -> bool:
    """Whether htmx asks only for the element with this id, and not the browser for a page."""
    return request.headers.get("HX-Target") == target and "HX-History-Restore-Request" not in request.headers
