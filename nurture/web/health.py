"""Health: is the worker alive, what waits, what is in doubt; and the stop switch."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.domain.errors import InputError
from nurture.services.condition_report import health as report
from nurture.services.condition_report import versions
from nurture.services.desk import (
    Person,
    let_sending_go_on,
    release_restored_backup,
    settle_by_person,
    stop_sending,
)
from nurture.web.context import actor, current_user, now, the_runtime
from nurture.web.errors import Saying
from nurture.web.guards import needs
from nurture.web.parsing import clean_text

health = Blueprint("health", __name__)


@health.get("/health")
@needs("health:view")
def show() -> str:
    """How everything is doing."""
    runtime = the_runtime()
    found = report(runtime, now())
    dialect = runtime.engine.dialect.name
    return render_template("health.html", found=found, versions=versions(), dialect=dialect)


@health.post("/health/stop")
@needs("sending:switch")
def stop() -> Response:
    """Nothing more is sent, at once."""
    reason = clean_text(request.form.get("reason", ""))
    with Saying("Sending is stopped."):
        stop_sending(the_runtime(), reason, _person(), now())
    return redirect(url_for("health.show"), code=303)


@health.post("/health/go")
@needs("sending:switch")
def go() -> Response:
    """Mail may leave again."""
    with Saying("Mail may leave again."):
        let_sending_go_on(the_runtime(), _person(), now())
    return redirect(url_for("health.show"), code=303)


@health.post("/health/release")
@needs("sending:switch")
def release() -> Response:
    """Somebody has looked at what a restored backup calls due; mail may leave."""
    with Saying("The hold is released."):
        release_restored_backup(the_runtime(), _person(), now())
    return redirect(url_for("health.show"), code=303)


@health.post("/health/settle/<id:message_id>")
@needs("outbox:settle")
def settle(message_id: int) -> Response:
    """A person looked it up at the mailer: it was sent, or it was not."""
    with Saying("Noted."):
        accepted = _accepted(request.form.get("outcome", ""))
        settle_by_person(the_runtime(), message_id, accepted, _person(), now())
    return redirect(url_for("health.show"), code=303)


def _accepted(outcome: str) -> bool:
    if outcome not in ("sent", "not-sent"):
        raise InputError("Say what became of it: sent or not sent.")
    return outcome == "sent"


def _person() -> Person:
    return Person(actor(), current_user().called)
