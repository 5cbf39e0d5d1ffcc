"""The dashboard."""

from flask import Blueprint, render_template

from nurture.services.overview import CHARTED, PERIODS, overview
from nurture.store.rollups import Measure
from nurture.web.context import now, the_runtime
from nurture.web.guards import needs
from nurture.web.parsing import choice_argument

dashboard = Blueprint("dashboard", __name__)

LABELS = {
    Measure.SENT: "Sent",
    Measure.OPENED: "Opened",
    Measure.CLICKED: "Clicked",
    Measure.REPLIED: "Replied",
}


@dashboard.get("/")
@needs("reports:view")
def show() -> str:
    """How it goes."""
    days = int(choice_argument("days", tuple(str(period) for period in PERIODS), "30"))
    found = overview(the_runtime(), days, now())
    return render_template("dashboard.html", found=found, periods=PERIODS, charted=CHARTED, labels=LABELS)
