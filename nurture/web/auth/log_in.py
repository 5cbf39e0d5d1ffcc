"""Log in, give the second factor, log out."""

from datetime import timedelta

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.domain.errors import NotSignedIn, TooManyAttempts
from nurture.services import accounts
from nurture.services.accounts import Login, second_factor
from nurture.web.auth.blueprint import auth, begin_session, end_session
from nurture.web.context import client, the_runtime, user_or_none, wall_now, web_session
from nurture.web.errors import tell
from nurture.web.guards import public, safe_next, signed_in

Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]


@auth.get("/login")
@public
def log_in() -> Answer:
    """The form."""
    if user_or_none() is not None:
        return redirect(safe_next(request.args.get("next")), code=303)
    return render_template("auth/log_in.html", address="", problem=None)


@auth.post("/login")
@public
def check_password() -> Answer:
    """Who is it?"""
    address, back = request.form.get("address", ""), safe_next(request.args.get("next"))
    try:
        login = Login(address, request.form.get("password", ""), client())
        known = accounts.authenticate(the_runtime(), login, wall_now())
    except NotSignedIn as error:
        return render_template("auth/log_in.html", address=address[:254], problem=str(error)), 401
    except TooManyAttempts as error:
        problem = f"Too many tries. Wait {_wait(error.retry_after)}, then try again."
        page = render_template("auth/log_in.html", address=address[:254], problem=problem)
        return page, 429, {"Retry-After": str(_seconds(error.retry_after))}
    if known.needs_code:
        begin_session(None, pending=known.user_id, next=back)
        return redirect(url_for("auth.ask_code"), code=303)
    begin_session(known.user_id)
    return redirect(back, code=303)


@auth.get("/login/code")
@public
def ask_code() -> Answer:
    """The second factor, once the password was right."""
    if _pending() is None:
        return redirect(url_for("auth.log_in"), code=303)
    return render_template("auth/code.html", problem=None)


@auth.post("/login/code")
@public
def check_code() -> Answer:
    """Is it the code of the moment, or a recovery code?"""
    user_id, back = _pending(), safe_next(web_session().get("next"))
    if user_id is None:
        return redirect(url_for("auth.log_in"), code=303)
    try:
        second_factor.check_code(the_runtime(), user_id, request.form.get("code", ""), wall_now())
    except NotSignedIn as error:
        return render_template("auth/code.html", problem=str(error)), 401
    except TooManyAttempts as error:
        problem = f"Too many tries. Wait {_wait(error.retry_after)}."
        return render_template("auth/code.html", problem=problem), 429
    begin_session(user_id)
    return redirect(back, code=303)


@auth.post("/logout")
@signed_in
def log_out() -> Response:
    """End this session."""
    end_session()
    tell("You are logged out.", "success")
    return redirect(url_for("auth.log_in"), code=303)


def _pending() -> int | None:
    """Who gave the right password in this session and owes the second factor."""
    opened = web_session().opened
    if opened is None or opened.sign_in.user_id is not None:
        return None
    pending = web_session().get("pending")
    return pending if isinstance(pending, int) else None


def _seconds(wait: timedelta) -> int:
    return max(1, round(wait.total_seconds() + 0.5))


def _wait(wait: timedelta) -> str:
    seconds = _seconds(wait)
    return f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
