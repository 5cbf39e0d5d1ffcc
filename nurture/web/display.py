"""How values look on pages: numbers, rates, instants, names. Templates use these filters and nothing else."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, url_for
from markupsafe import Markup

from nurture.domain.conditions.explain import duration_in_words
from nurture.web.context import display_zone, now

DASH = "–"
STATIC = Path(__file__).parent / "static"

_TINTS = ("blue", "green", "orange", "azure", "red", "yellow")
_STEPS = ((60, 60, "min"), (3600, 24, "h"), (86400, 45, "d"))
_STATE_TINTS = {
    "active": "green", "sent": "green", "delivered": "green", "completed": "green", "queued": "green",
    "paused": "yellow", "unconfirmed": "yellow", "deferred": "yellow", "later": "yellow", "waits": "yellow",
    "pending": "azure", "claimed": "azure", "sending": "azure", "accepted": "azure", "holdout": "azure",
    "failed": "red", "bounced": "red", "complained": "red", "blocked": "red", "suppressed": "orange",
    "stopped": "red", "cancelled": "secondary", "exited": "secondary", "draft": "secondary",
    "archived": "secondary",
    "suspect": "secondary", "lead": "azure", "prospect": "green", "customer": "blue",
    "former_customer": "orange", "disqualified": "red",
    "awareness": "secondary", "interest": "azure", "decision": "yellow", "action": "green",
}  # fmt: skip


def install(app: Flask) -> None:
    """Give templates their filters and functions."""
    filters: dict[str, Callable[..., object]] = {
        "number": number,
        "rate": rate,
        "points": points,
        "ago": ago,
        "moment": moment,
        "day": day,
        "initials": initials,
        "tint": tint,
        "state_tint": state_tint,
        "words": words,
        "count": count,
        "span": span,
        "browser": browser,
        "code": code,
        "lasting": duration_in_words,
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals.update(icon=icon, asset=asset)


def number(value: float | None) -> str:
    """12847 → 12,847; nothing → a dash."""
    return DASH if value is None else f"{value:,.0f}"


def rate(numerator: int, denominator: int, digits: int = 1) -> str:
    """A share in per cent; a dash where there is nothing to divide by."""
    return DASH if not denominator else f"{100 * numerator / denominator:.{digits}f} %"


def points(value: float | None, signed: bool = False) -> str:
    """Score points with one decimal, with a real minus."""
    if value is None:
        return DASH
    shown = round(value, 1) or 0.0  # No "−0.0", and no sign before nothing.
    text = f"{shown:+.1f}" if signed and shown else f"{shown:.1f}"
    return text.replace("-", "−")


def count(value: int, singular: str, plural: str | None = None) -> str:
    """1 lead, 2 leads."""
    return f"{number(value)} {singular if value == 1 else plural or singular + 's'}"


def words(value: str | None) -> str:
    """`former_customer` → former customer."""
    return (value or "").replace("_", " ").replace("-", " ")


def span(value: timedelta) -> str:
    """A length of time in its largest fitting unit."""
    seconds = abs(value.total_seconds())
    if seconds < 60:
        return f"{seconds:.0f} s"
    unit_seconds, _, unit = next((step for step in _STEPS if seconds < step[0] * step[1]), (86400, 0, "d"))
    return f"{seconds / unit_seconds:.0f} {unit}"


def code(text: str) -> Markup:
    """A text in which what stands between backticks is shown as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if odd % 2 else part
        for odd, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def browser(user_agent: str | None) -> str:
    """Which browser on which system, in words. The order of the marks matters: each claims to be others."""
    text = user_agent or ""
    name = next((name for mark, name in _BROWSERS if mark in text), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    return f"{name} on {system}" if system else name


def ago(instant: datetime | None) -> Markup | str:
    """An instant relative to now, with the exact one in its title."""
    if instant is None:
        return DASH
    difference = now() - instant
    if abs(difference) < timedelta(minutes=1):
        text = "just now" if difference >= timedelta() else "in a moment"
    elif abs(difference) >= timedelta(days=45):
        text = _date(instant)
    else:
        text = f"in {span(difference)}" if difference < timedelta() else f"{span(difference)} ago"
    return _time(instant, text)


def moment(instant: datetime | None) -> Markup | str:
    """Date and time in the reader's zone."""
    return DASH if instant is None else _time(instant, _exact(instant))


def day(value: date | datetime | None) -> str:
    """2 Mar 2026, in the reader's zone where it is an instant."""
    if value is None:
        return DASH
    return _date(value) if isinstance(value, datetime) else f"{value.day} {value:%b %Y}"


def _date(instant: datetime) -> str:
    local = instant.astimezone(display_zone())
    return f"{local.day} {local:%b %Y}"


def _exact(instant: datetime) -> str:
    return f"{_date(instant)}, {instant.astimezone(display_zone()):%H:%M}"


def _time(instant: datetime, text: str) -> Markup:
    title = f"{_exact(instant)} {display_zone().key}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(instant.isoformat(), title, text)


def initials(name: str) -> str:
    """Ana Lima → AL."""
    parts = [part for part in name.replace("@", " ").replace(".", " ").split() if part[0].isalnum()]
    return "".join(part[0] for part in parts[:2]).upper() or "?"


def tint(key: object) -> str:
    """One of six colours, the same for the same key."""
    return _TINTS[sha256(str(key).encode("utf-8", "replace")).digest()[0] % len(_TINTS)]


def state_tint(state: str) -> str:
    """The colour of a status, lifecycle or stage."""
    return _STATE_TINTS.get(state, "secondary")


def icon(name: str, css: str = "") -> Markup:
    """An outline icon; it says nothing to a screen reader, so words stand beside it or in a label."""
    return Markup(
        '<svg class="icon {}" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>'
    ).format(css, Markup(_icons()[name]))  # noqa: S704 - the paths are our own build's


@cache
def _icons() -> dict[str, str]:
    found: dict[str, str] = json.loads((STATIC / "vendor" / "icons.json").read_text(encoding="utf-8"))
    return found


def asset(name: str) -> str:
    """The address of a static file with its hash in it, so that browsers may keep it for ever."""
    return url_for("static", filename=name, v=_digest(name))


@cache
def _digest(name: str) -> str:
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]
