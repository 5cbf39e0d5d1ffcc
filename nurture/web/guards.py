"""Who may reach which page. Every route says it, or the application does not start.

@leads.get("/leads")
@needs("leads:view")
def index() -> str: ...
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from nurture.domain.errors import ConfigurationError, Forbidden
from nurture.domain.roles import ALL_PERMISSIONS, may
from nurture.store.users import UserView
from nurture.web.context import user_or_none

View = TypeVar("View", bound=Callable[..., object])

_ACCESS, _EXEMPT = "nurture_access", "nurture_csrf_exempt"


class Open(Enum):
    """Access without a permission."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"


@dataclass(frozen=True, slots=True)
class Permission:
    """Access for whoever's role has this permission."""

    name: str


Access = Open | Permission


def public(view: View) -> View:
    """Anybody may come here."""
    return _declare(view, Open.PUBLIC)


def signed_in(view: View) -> View:
    """Everybody with an account may come here."""
    return _declare(view, Open.SIGNED_IN)


def needs(permission: str) -> Callable[[View], View]:
    """Only those whose role has `permission` may come here."""
    if permission not in ALL_PERMISSIONS:
        raise ConfigurationError(f'No role has "{permission}". Add it to nurture.domain.roles.')

    def declare(view: View) -> View:
        return _declare(view, Permission(permission))

    return declare


def csrf_exempt(view: View) -> View:
    """A POST from a machine: no form's token, so the view itself verifies a signature."""
    setattr(view, _EXEMPT, True)
    return view


def is_exempt(view: object) -> bool:
    """Whether `csrf_exempt` stands on the view."""
    return bool(getattr(view, _EXEMPT, False))


def access_of(view: object) -> Access | None:
    """What the view declares."""
    access: Access | None = getattr(view, _ACCESS, None)
    return access


def _declare(view: View, access: Access) -> View:
    setattr(view, _ACCESS, access)
    return view


def undeclared(app: Flask) -> Iterator[str]:
    """The routes that do not say who may reach them."""
    for rule in app.url_map.iter_rules():
        if access_of(app.view_functions[rule.endpoint]) is None:
            yield f"{rule.rule} ({rule.endpoint})"


def check_all_declared(app: Flask) -> None:
    """Refuse to start with a route that does not say who may reach it.

    Raises:
        ConfigurationError: it names the routes.
    """
    missing = sorted(undeclared(app))
    if missing:
        raise ConfigurationError(
            f"These routes do not say who may reach them: {', '.join(missing)}. "
            "Put @public, @signed_in or @needs(…) on their views."
        )


def enforce() -> Response | None:
    """Before each request: let it through, send it to the log-in, or refuse it.

    Raises:
        Forbidden: signed in, but the role lacks the permission.
    """
    if request.endpoint is None:
        return None
    access = access_of(current_app.view_functions[request.endpoint])
    if access is Open.PUBLIC:
        return None
    user = user_or_none()
    if user is None:
        return to_login()
    if isinstance(access, Permission):
        _check(user, access.name)
    return None


def _check(user: UserView, permission: str) -> None:
    if not may(user.role, permission):
        raise Forbidden(f"User {user.id} ({user.role}) lacks the permission {permission}.")


def to_login() -> Response:
    """To the log-in, and afterwards back; htmx is told in its own way, because it would swap the form in."""
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    if request.headers.get("HX-Request"):
        current = urlsplit(request.headers.get("HX-Current-URL", "")).path
        return Response(status=401, headers={"HX-Redirect": url_for("auth.log_in", next=current or None)})
    return redirect(url_for("auth.log_in", next=back), code=303)


def safe_next(target: str | None) -> str:
    """Where to go after log-in: a path of ours, or the dashboard; never another site."""
    home = url_for("dashboard.show")
    if not target or not target.isprintable() or "\\" in target or not target.startswith("/"):
        return home
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or target.startswith("//"):
        return home
    return target
