"""Campaigns: the list, one campaign with its flow, and the buttons that start and stop it."""

from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.domain.errors import InputError
from nurture.services import campaigns_run
from nurture.services.overview import Period, campaign_lines, campaign_page
from nurture.store import rollups
from nurture.web.campaign_words import in_plain_words
from nurture.web.context import actor, now, the_runtime
from nurture.web.errors import Saying
from nurture.web.flow import draw
from nurture.web.guards import needs

campaigns = Blueprint("campaigns", __name__)

DAYS = 30
RESUME_MODES = {
    "shift": ("Shift", "Waits go on where they stopped; everything moves later by the length of the pause."),
    "skip": ("Skip", "What fell due during the pause is passed over."),
    "send_now": ("Send now", "What fell due during the pause goes out as soon as it may."),
}


@campaigns.get("/campaigns")
@needs("campaigns:view")
def index() -> str:
    """Every campaign with its numbers of the last 30 days."""
    with the_runtime().read() as session:
        lines = campaign_lines(session, _period(), rollups.levels_on(session, _period().today))
    return render_template("campaigns/index.html", lines=lines)


@campaigns.get("/campaigns/<slug:slug>")
@needs("campaigns:view")
def show(slug: str) -> str:
    """One campaign: how it flows, who waits where, and its rules in words."""
    with the_runtime().read() as session:
        found = campaign_page(session, slug, _period())
    flow = draw(found.definition, found.waiting, found.subjects) if found.definition else None
    rules = in_plain_words(found.definition) if found.definition else ()
    return render_template("campaigns/show.html", found=found, flow=flow, rules=rules, modes=RESUME_MODES)


@campaigns.post("/campaigns/<slug:slug>/start")
@needs("campaigns:start")
def start(slug: str) -> Response:
    """Let leads in."""
    with Saying("The campaign is running."):
        campaigns_run.start(the_runtime(), slug, now(), actor())
    return _back(slug)


@campaigns.post("/campaigns/<slug:slug>/pause")
@needs("campaigns:stop")
def pause(slug: str) -> Response:
    """Freeze everybody where they stand."""
    with Saying("The campaign is paused. Waits are frozen; nothing is sent."):
        campaigns_run.pause(the_runtime(), slug, now(), actor())
    return _back(slug)


@campaigns.post("/campaigns/<slug:slug>/resume")
@needs("campaigns:start")
def resume(slug: str) -> Response:
    """Go on, in the way that was chosen."""
    mode = request.form.get("mode", "")
    with Saying("The campaign goes on."):
        campaigns_run.resume(the_runtime(), slug, _mode(mode), now(), actor())
    return _back(slug)


@campaigns.post("/campaigns/<slug:slug>/stop")
@needs("campaigns:stop")
def stop(slug: str) -> Response:
    """End it for everybody who is under way."""
    with Saying("The campaign is stopped. Nobody is under way in it any more."):
        campaigns_run.stop(the_runtime(), slug, now(), actor())
    return _back(slug)


def _mode(text: str) -> campaigns_run.ResumeMode:
    match text:
        case "shift" | "skip" | "send_now":
            return text
        case _:
            raise InputError("Choose how to go on: shift, skip or send now.")


def _back(slug: str) -> Response:
    return redirect(url_for("campaigns.show", slug=slug), code=303)


def _period() -> Period:
    return Period(DAYS, now().astimezone(ZoneInfo(the_runtime().settings.zone)).date())
