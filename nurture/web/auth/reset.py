"""Getting back in by a link that comes by mail."""

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.domain.errors import InputError
from nurture.services import accounts
from nurture.web.auth.blueprint import auth
from nurture.web.context import client, the_runtime, wall_now
from nurture.web.errors import tell
from nurture.web.guards import public

SENT = "If there is an account at this address, a mail with a link is on its way. The link works for 2 hours."


@auth.get("/forgot")
@public
def forgot() -> str:
    """Ask for the address."""
    return render_template("auth/forgot.html")


@auth.post("/forgot")
@public
def send_link() -> Response:
    """Mail a link; the answer is the same for every address."""
    accounts.request_reset(the_runtime(), request.form.get("address", ""), client(), wall_now())
    tell(SENT, "info")
    return redirect(url_for("auth.log_in"), code=303)


@auth.get("/reset/<token>")
@public
def choose_password(token: str) -> str:
    """The form behind the link."""
    owner = accounts.owner_of_link(the_runtime(), token, wall_now())
    return render_template("auth/reset.html", owner=owner, problem=None)


@auth.post("/reset/<token>")
@public
def set_password(token: str) -> Response | tuple[str, int]:
    """Take the new password; the link is used up."""
    password, again = request.form.get("password", ""), request.form.get("again", "")
    owner = accounts.owner_of_link(the_runtime(), token, wall_now())
    try:
        if password != again:
            raise InputError("The two passwords differ.")
        accounts.reset_password(the_runtime(), token, password, wall_now())
    except InputError as error:
        return render_template("auth/reset.html", owner=owner, problem=str(error)), 422
    tell("Your password is set. Log in with it.", "success")
    return redirect(url_for("auth.log_in"), code=303)
