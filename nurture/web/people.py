"""People: who works with Nurture and what they may do. For administrators."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.domain.errors import InputError
from nurture.domain.roles import Role
from nurture.services import accounts
from nurture.services.accounts import NewUser
from nurture.web.context import actor, the_runtime, wall_now
from nurture.web.errors import Saying, tell
from nurture.web.guards import needs

people = Blueprint("people", __name__)


@people.get("/people")
@needs("users:manage")
def index() -> str:
    """Everybody with an account."""
    return render_template("people.html", everybody=accounts.list_users(the_runtime()), roles=tuple(Role))


@people.post("/people")
@needs("users:manage")
def invite() -> Response:
    """Make an account and mail its owner a link to choose a password."""
    form = request.form
    with Saying("The invitation is on its way."):
        new = NewUser(form.get("address", ""), _role(form.get("role", "")), form.get("name", ""))
        user_id = accounts.create_user(the_runtime(), new, wall_now(), actor())
        link = accounts.invite(the_runtime(), user_id, wall_now())
        tell(f"You can also hand over this link yourself; it works once, for 7 days: {link}", "info")
    return _back()


@people.post("/people/<id:user_id>/role")
@needs("users:manage")
def change_role(user_id: int) -> Response:
    """Another role; the user's sessions end."""
    with Saying("The role is changed, and every session of that account has ended."):
        role = _role(request.form.get("role", ""))
        accounts.set_role(the_runtime(), user_id, role, wall_now(), actor())
    return _back()


@people.post("/people/<id:user_id>/disable")
@needs("users:manage")
def disable(user_id: int) -> Response:
    """Shut somebody out, at once."""
    with Saying("The account is shut, and every session of it has ended."):
        accounts.disable(the_runtime(), user_id, wall_now(), actor())
    return _back()


@people.post("/people/<id:user_id>/enable")
@needs("users:manage")
def enable(user_id: int) -> Response:
    """Let somebody in again."""
    with Saying("The account is open again."):
        accounts.enable(the_runtime(), user_id, wall_now(), actor())
    return _back()


def _role(text: str) -> Role:
    if text not in tuple(Role):
        raise InputError(f'"{text[:20]}" is no role. Use {", ".join(Role)}.')
    return Role(text)


def _back() -> Response:
    return redirect(url_for("people.index"), code=303)
