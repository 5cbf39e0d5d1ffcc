"""Leads: the list, and one lead's page."""

from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from nurture.domain.scoring.shown import rating, shown
from nurture.domain.values import Grade, Lifecycle, Stage
from nurture.services.house import House, load_house
from nurture.services.portrait import portrait
from nurture.store.reports import lead as reads
from nurture.store.reports.leads import LeadQuery, LeadRow, LeadSort, Warmth, known_tags, lead_page
from nurture.store.reports.timeline import timeline as happenings_of
from nurture.web.context import now, the_runtime
from nurture.web.guards import needs
from nurture.web.parsing import (
    choice_argument,
    cursor_argument,
    instant_argument,
    page_argument,
    text_argument,
    wants_part,
)

leads = Blueprint("leads", __name__)

FITS = tuple(Grade)
BANDS = ("1", "2", "3", "4")
CHOICES: dict[str, object] = {
    "lifecycles": tuple(Lifecycle),
    "stages": tuple(Stage),
    "fits": FITS,
    "bands": {"1": "hot", "2": "warm", "3": "lukewarm", "4": "cold"},
    "sorts": tuple(LeadSort),
}


@leads.get("/leads")
@needs("leads:view")
def index() -> str:
    """The list; htmx gets the table alone."""
    with the_runtime().read() as session:
        house = load_house(session)
        query = _query(house)
        found = lead_page(session, query)
        tags = known_tags(session)
    rows = [(row, *_rated(row, house)) for row in found.rows]
    template = "leads/table.html" if wants_part("leads") else "leads/index.html"
    choices = {**CHOICES, "chosen_band": choice_argument("warmth", BANDS)}
    return render_template(template, rows=rows, found=found, query=query, tags=tags, link=_link, **choices)


@leads.get("/leads/<id:lead_id>")
@needs("leads:view")
def show(lead_id: int) -> str:
    """Everything about one lead."""
    runtime = the_runtime()
    found = portrait(runtime, lead_id, now())
    with runtime.read() as session:
        happenings = happenings_of(session, lead_id)
        decisions = reads.decisions_of(session, lead_id)
    return render_template(
        "leads/show.html", found=found, happenings=happenings, decisions=decisions, page=reads.PAGE
    )


@leads.get("/leads/<id:lead_id>/timeline")
@needs("leads:view")
def timeline(lead_id: int) -> str:
    """What happened before the instant `before`."""
    before = instant_argument("before")
    with the_runtime().read() as session:
        happenings = happenings_of(session, lead_id, before)
    return render_template(
        "leads/timeline_page.html", lead_id=lead_id, happenings=happenings, page=reads.PAGE
    )


@leads.get("/leads/<id:lead_id>/decisions")
@needs("leads:view")
def decisions(lead_id: int) -> str:
    """Older decisions, before the one with the id `before`."""
    with the_runtime().read() as session:
        found = reads.decisions_of(session, lead_id, cursor_argument("before"))
    return render_template("leads/decisions_page.html", lead_id=lead_id, decisions=found, page=reads.PAGE)


def _query(house: House) -> LeadQuery:
    mailable = choice_argument("mailable", ("yes", "no"))
    return LeadQuery(
        search=text_argument("q"),
        lifecycle=choice_argument("lifecycle", tuple(Lifecycle)),
        stage=choice_argument("stage", tuple(Stage)),
        fit=choice_argument("fit", FITS),
        warmth=_warmth(choice_argument("warmth", BANDS), house),
        tag=text_argument("tag"),
        mailable=None if not mailable else mailable == "yes",
        sort=LeadSort(choice_argument("sort", tuple(LeadSort), LeadSort.NEWEST)),
        page=page_argument(),
    )


def _warmth(band: str, house: House) -> Warmth | None:
    """The range of engagement that the band stands for."""
    if not band:
        return None
    limits: dict[str, float] = {str(name): least for name, least in house.scoring.bands.items()}
    # The coldest band has no lower end, the hottest no upper one.
    return Warmth(limits.get(band), limits.get(str(int(band) - 1)), now(), house.half_life)


def _rated(row: LeadRow, house: House) -> tuple[float, str]:
    engagement = shown(row.score.at(now(), house.half_life)) if row.score else 0.0
    return engagement, rating(row.fit, engagement, house.scoring.bands)


def _link(**changes: object) -> str:
    """The list's address with some arguments changed; it starts at page 1 unless that is one of them."""
    arguments = {name: value for name, value in request.args.items() if name != "page"}
    arguments.update({name: str(value) for name, value in changes.items()})
    return "?" + urlencode({name: value for name, value in arguments.items() if value})
