"""Tasks: what sales was handed, and closing it."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.services.handoff import close_task
from nurture.store.reports import tasks as reads
from nurture.web.context import actor, now, the_runtime
from nurture.web.errors import Saying
from nurture.web.guards import needs, safe_next
from nurture.web.parsing import choice_argument, clean_text, page_argument

tasks = Blueprint("tasks", __name__)

STATUSES = ("open", "closed")


@tasks.get("/tasks")
@needs("tasks:view")
def index() -> str:
    """The open tasks, the most urgent first, or the closed ones."""
    status, page = choice_argument("status", STATUSES, "open"), page_argument()
    with the_runtime().read() as session:
        rows = reads.tasks(session, status, reads.PAGE + 1, (page - 1) * reads.PAGE)
    return render_template(
        "tasks.html", rows=rows[: reads.PAGE], more=len(rows) > reads.PAGE, status=status, page=page
    )


@tasks.post("/tasks/<id:task_id>/close")
@needs("tasks:close")
def close(task_id: int) -> Response:
    """It is done; with the last open reply of a lead, campaigns may write to it again."""
    outcome = clean_text(request.form.get("outcome", ""))
    with Saying("The task is closed."), the_runtime().write() as session:
        close_task(session, task_id, outcome, actor(), now())
    back = request.form.get("next")
    return redirect(safe_next(back) if back else url_for("tasks.index"), code=303)
