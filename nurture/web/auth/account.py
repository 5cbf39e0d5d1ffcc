"""One's own account: name, language, zone, password, sessions."""

from zoneinfo import available_timezones

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.domain.errors import InputError, NotSignedIn
from nurture.services import accounts
from nurture.services.accounts import Profile, sessions
from nurture.web.auth.blueprint import auth, begin_session
from nurture.web.context import actor, current_user, the_runtime, wall_now, web_session
from nurture.web.errors import Saying, tell
from nurture.web.guards import signed_in

LANGUAGES = {"en": "English", "fr": "Français", "pt": "Português"}


@auth.get("/account")
@signed_in
def account() -> str:
    """Everything about oneself."""
    living = sessions.living(the_runtime(), current_user().id, wall_now())
    zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return render_template(
        "auth/account.html", living=living, mine=_own_hash(), zones=zones, languages=LANGUAGES
    )


@auth.post("/account/profile")
@signed_in
def change_profile() -> Response:
    """Name, zone and language."""
    form, language = request.form, request.form.get("language", "")
    with Saying("Saved."):
        profile = Profile(
            name=form.get("name", ""),
            zone=form.get("zone") or None,
            language=language if language in LANGUAGES else None,
        )
        accounts.change_profile(the_runtime(), current_user().id, profile)
    return _back()


@auth.post("/account/password")
@signed_in
def change_password() -> Response:
    """A new password; all other sessions end, and this one gets a new id."""
    user, form = current_user(), request.form
    try:
        accounts.check_again(the_runtime(), user.id, form.get("present", ""), wall_now())
        if form.get("password", "") != form.get("again", ""):
            raise InputError("The two new passwords differ.")
        accounts.set_password(the_runtime(), user.id, form.get("password", ""), wall_now(), actor())
    except (NotSignedIn, InputError) as error:
        tell(str(error), "danger")
        return _back()
    begin_session(user.id)
    tell("Your password is changed. Every other session has ended.", "success")
    return _back()


@auth.post("/account/sessions/end")
@signed_in
def end_other_sessions() -> Response:
    """Sign out everywhere but here."""
    with Saying("You are signed out everywhere else."):
        sessions.end_others(the_runtime(), current_user().id, _own_hash())
    return _back()


def _own_hash() -> str | None:
    opened = web_session().opened
    return None if opened is None else opened.sign_in.id_hash


def _back() -> Response:
    return redirect(url_for("auth.account"), code=303)
