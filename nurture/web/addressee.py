"""The pages that a mail leads its reader to: unsubscribe, preferences, and the mail in the browser.

The token in the address is the permission. GET and HEAD change nothing; what is wished for comes by POST.
"""

from flask import Blueprint, Response, abort, make_response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from nurture.domain.errors import InvalidToken, NotFound, TemplateError
from nurture.services import preferences
from nurture.services.preferences import Origin, Preferences, Wishes
from nurture.services.preview import view_message
from nurture.tokens import PreferencesClaim, Purpose, preferences_token, verify_message, verify_preferences
from nurture.web.context import now, the_runtime
from nurture.web.guards import csrf_exempt, public
from nurture.web.wording import LANGUAGES, wording

addressee = Blueprint("addressee", __name__)

MAIL_POLICY = (
    "default-src 'none'; img-src https: http: data: 'self'; style-src 'unsafe-inline'; font-src https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


@addressee.after_request
def _keep_to_ourselves(response: Response) -> Response:
    """Whoever has the address of one of these pages may use it, so nobody else is told."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _page(name: str, language: str | None = None, **values: object) -> str:
    """A page in the reader's language, as far as we know it, else in the browser's."""
    known = (language or "").replace("_", "-").split("-")[0].lower()
    chosen = known if known in LANGUAGES else request.accept_languages.best_match(LANGUAGES)
    return render_template(f"addressee/{name}.html", words=wording(chosen or LANGUAGES[0]), **values)


def _message(purpose: Purpose, token: str) -> int:
    try:
        return verify_message(the_runtime().links, purpose, token)
    except InvalidToken:
        abort(404)


def _claim(token: str) -> PreferencesClaim:
    try:
        return verify_preferences(the_runtime().links, token)
    except InvalidToken:
        abort(404)


@addressee.get("/u/<token>")
@public
def ask_to_unsubscribe(token: str) -> str:
    """One button, and nothing done yet: scanners follow this link too."""
    message_id = _message(Purpose.UNSUBSCRIBE, token)
    return _page("unsubscribe", preferences.language_of_reader(the_runtime(), message_id), token=token)


@addressee.post("/u/<token>")
@public
@csrf_exempt
def unsubscribe(token: str) -> BaseResponse:
    """The button and the mail program's one-click alike. Source: RFC 8058, 3.2."""
    message_id, runtime = _message(Purpose.UNSUBSCRIBE, token), the_runtime()
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    origin = Origin("one-click unsubscribe" if one_click else "unsubscribe page", request.remote_addr)
    try:
        lead_id = preferences.unsubscribe_by_message(runtime, message_id, origin, now())
    except NotFound:
        # Our own token for a message that is gone, and with it everything we knew of whom it went to.
        lead_id = None
    if one_click:
        return Response("Unsubscribed.\n", mimetype="text/plain")
    link = preferences_token(runtime.links, lead_id, "") if lead_id else None
    language = preferences.language_of_reader(runtime, message_id)
    return make_response(_page("unsubscribed", language, preferences=link))


@addressee.get("/p/<token>")
@public
def show_preferences(token: str) -> str:
    """What the reader may choose from, and has chosen."""
    claim = _claim(token)
    try:
        found = preferences.preferences_of(the_runtime(), claim.lead_id, now())
    except NotFound:
        abort(404)
    return _preferences_page(token, found, scope=claim.scope)


@addressee.post("/p/<token>")
@public
@csrf_exempt
def choose_preferences(token: str) -> str:
    """Carry the reader's wishes out."""
    claim = _claim(token)
    wishes = Wishes(
        topics=frozenset(request.form.getlist("topic")),
        less_often="less_often" in request.form,
        pause="pause" in request.form,
        nothing="nothing" in request.form,
    )
    origin = Origin("preferences page", request.remote_addr)
    try:
        found = preferences.choose(the_runtime(), claim.lead_id, wishes, origin, now())
    except NotFound:
        abort(404)
    return _preferences_page(token, found, saved=True)


def _preferences_page(token: str, found: Preferences, *, scope: str = "", saved: bool = False) -> str:
    """`scope` is the topic of the mail that led here: its box is the one that the reader came for."""
    return _page("preferences", found.language, token=token, found=found, scope=scope, saved=saved)


@addressee.get("/v/<token>")
@public
def view_mail(token: str) -> Response:
    """The mail as it was sent, byte for byte, shut in its own policy."""
    message_id = _message(Purpose.VIEW, token)
    try:
        html = view_message(the_runtime(), message_id)
    except (NotFound, TemplateError):
        abort(404)
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response
