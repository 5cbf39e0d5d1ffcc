"""Setting up the second factor: a QR code for the app, then recovery codes, shown once."""

import segno
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.domain.errors import NotSignedIn
from nurture.services import accounts
from nurture.services.accounts import second_factor as service
from nurture.services.accounts import sessions
from nurture.web.auth.blueprint import auth, begin_session
from nurture.web.context import actor, current_user, the_runtime, wall_now, web_session
from nurture.web.errors import tell
from nurture.web.guards import signed_in

ISSUER = "Nurture"
SECRET = "second_factor_secret"


@auth.get("/account/second-factor")
@signed_in
def set_up() -> str | Response:
    """The QR code; its secret waits, sealed, in the session until a code proves that the app has it."""
    user, runtime, session = current_user(), the_runtime(), web_session()
    if user.has_totp:
        return redirect(url_for("auth.account"), code=303)
    if SECRET not in session:
        session[SECRET] = service.seal(runtime, service.new_secret(), user.id)
    secret = service.unseal(runtime, session[SECRET], user.id)
    uri = service.provisioning_uri(secret, user.address, ISSUER)
    picture = segno.make(uri, error="m").svg_data_uri(scale=5, border=2, dark="#1b2433", light="#fff")
    grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return render_template("auth/second_factor.html", picture=picture, secret=grouped)


@auth.post("/account/second-factor")
@signed_in
def turn_on() -> str | Response:
    """Ask for codes from now on, and show the recovery codes once."""
    user, sealed = current_user(), web_session().get(SECRET)
    if not sealed:
        return redirect(url_for("auth.set_up"), code=303)
    try:
        accounts.check_again(the_runtime(), user.id, request.form.get("password", ""), wall_now())
        codes = service.turn_on(the_runtime(), user.id, sealed, request.form.get("code", ""), wall_now())
    except NotSignedIn as error:
        tell(str(error), "danger")
        return redirect(url_for("auth.set_up"), code=303)
    return _with_new_session(user.id, codes)


@auth.post("/account/second-factor/codes")
@signed_in
def renew_codes() -> str | Response:
    """Ten new recovery codes."""
    user = current_user()
    try:
        accounts.check_again(the_runtime(), user.id, request.form.get("password", ""), wall_now())
    except NotSignedIn as error:
        tell(str(error), "danger")
        return redirect(url_for("auth.account"), code=303)
    codes = service.renew_recovery_codes(the_runtime(), user.id, wall_now())
    return render_template("auth/recovery_codes.html", codes=codes)


@auth.post("/account/second-factor/off")
@signed_in
def turn_off() -> Response:
    """The password alone is enough again; all other sessions end."""
    user = current_user()
    try:
        accounts.check_again(the_runtime(), user.id, request.form.get("password", ""), wall_now())
        service.turn_off(the_runtime(), user.id, wall_now(), actor())
    except NotSignedIn as error:
        tell(str(error), "danger")
        return redirect(url_for("auth.account"), code=303)
    sessions.end_others(the_runtime(), user.id, None)
    begin_session(user.id)
    tell("The second factor is off.", "success")
    return redirect(url_for("auth.account"), code=303)


def _with_new_session(user_id: int, codes: tuple[str, ...]) -> str:
    sessions.end_others(the_runtime(), user_id, None)
    begin_session(user_id)
    return render_template("auth/recovery_codes.html", codes=codes)
