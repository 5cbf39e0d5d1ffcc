"""The pages that a mail leads its reader to: unsubscribe, preferences, and the mail in the browser.

The token in the address is the permission. GET and HEAD change nothing; what is wished for comes by POST.
"""

from flask import Blueprint, Response, abort, current_app, make_response, render_template, request
from nurture.services.preview import view_message
from nurture.web.guards import csrf_exempt, public
from nurture.web.wording import LANGUAGES, wording
from werkzeug.wrappers import Response as BaseResponse

from nurture.domain.errors import InvalidToken, NotFound, TemplateError
from nurture.services import preferences
from nurture.services.preferences import Origin, Wishes
from nurture.services.runtime import Runtime
from nurture.tokens import PreferencesClaim, Purpose, preferences_token, verify_message, verify_preferences

addressee = Blueprint("addressee", __name__)

MAIL_POLICY = (
    "default-src 'none'; img-src https: http: data: 'self'; style-src 'unsafe-inline'; font-src https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


def _runtime() -> Runtime:
    runtime: Runtime = current_app.extensions["nurture"]
    return runtime


def _page(name: str, **values: object) -> str:
    words = wording(request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0])
    return render_template(f"addressee/{name}.html", words=words, **values)


def _message(purpose: Purpose, token: str) -> int:
    try:
        return verify_message(_runtime().links, purpose, token)
    except InvalidToken:
        abort(404)


def _claim(token: str) -> PreferencesClaim:
    try:
        return verify_preferences(_runtime().links, token)
    except InvalidToken:
        abort(404)


@addressee.get("/u/<token>")
@public
def ask_to_unsubscribe(token: str) -> str:
    """One button, and nothing done yet: scanners follow this link too."""
    _message(Purpose.UNSUBSCRIBE, token)
    return _page("unsubscribe", token=token)


@addressee.post("/u/<token>")
@public
@csrf_exempt
def unsubscribe(token: str) -> BaseResponse:
    """The button and the mail program's one-click alike. Source: RFC 8058, 3.2."""
    message_id = _message(Purpose.UNSUBSCRIBE, token)
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    origin = Origin("one-click unsubscribe" if one_click else "unsubscribe page", request.remote_addr)
    runtime = _runtime()
    try:
        lead_id = preferences.unsubscribe_by_message(runtime, message_id, origin, runtime.clock.now())
    except NotFound:
        lead_id = None
    if one_click:
        return Response("Unsubscribed.\n", mimetype="text/plain")
    link = preferences_token(runtime.links, lead_id, "") if lead_id else None
    return make_response(_page("unsubscribed", preferences=link))


@addressee.get("/p/<token>")
@public
def show_preferences(token: str) -> str:
    """What the reader may choose from, and has chosen."""
    claim, runtime = _claim(token), _runtime()
    try:
        found = preferences.preferences_of(runtime, claim.lead_id, runtime.clock.now())
    except NotFound:
        abort(404)
    return _page("preferences", token=token, found=found, saved=False)


@addressee.post("/p/<token>")
@public
@csrf_exempt
def choose_preferences(token: str) -> str:
    """Carry the reader's wishes out."""
    claim, runtime = _claim(token), _runtime()
    wishes = Wishes(
        topics=frozenset(request.form.getlist("topic")),
        less_often="less_often" in request.form,
        pause="pause" in request.form,
        nothing="nothing" in request.form,
    )
    origin = Origin("preferences page", request.remote_addr)
    try:
        found = preferences.choose(runtime, claim.lead_id, wishes, origin, runtime.clock.now())
    except NotFound:
        abort(404)
    return _page("preferences", token=token, found=found, saved=True)


@addressee.get("/v/<token>")
@public
def view_mail(token: str) -> Response:
    """The mail as it was sent, byte for byte, shut in its own policy."""
    message_id = _message(Purpose.VIEW, token)
    try:
        html = view_message(_runtime(), message_id)
    except (NotFound, TemplateError):
        abort(404)
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "private, no-store"
    return response
