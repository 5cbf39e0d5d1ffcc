"""The outbox: every message, and each mail as it was sent."""

from flask import Blueprint, Response, render_template

from nurture.domain.errors import NotFound, TemplateError
from nurture.services.preview import staff_view
from nurture.store.reports import lead as lead_reads
from nurture.store.reports import outbox as reads
from nurture.store.reports.outbox import MessageRow
from nurture.tokens import Purpose, message_token
from nurture.web.context import the_runtime
from nurture.web.guards import needs
from nurture.web.mail_source import Source, source_of
from nurture.web.parsing import choice_argument, page_argument, wants_part

outbox = Blueprint("outbox", __name__)

FRAME_POLICY = (
    "default-src 'none'; img-src https: data: 'self'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
)
"""For a mail's HTML inside the app: it may look as it likes and do nothing."""


@outbox.get("/outbox")
@needs("outbox:view")
def index() -> str:
    """The messages in one state, or all."""
    state, page = choice_argument("state", reads.STATES), page_argument()
    with the_runtime().read() as session:
        rows = reads.message_rows(session, state, page)
        counts = reads.counts(session)
    template = "outbox/table.html" if wants_part("messages") else "outbox/index.html"
    return render_template(
        template,
        rows=rows[: reads.PAGE],
        more=len(rows) > reads.PAGE,
        state=state,
        states=reads.STATES,
        page=page,
        counts=counts,
    )


@outbox.get("/outbox/<id:message_id>")
@needs("outbox:view")
def show(message_id: int) -> str:
    """One message: the mail, its text, its source, and what became of it."""
    runtime = the_runtime()
    with runtime.read() as session:
        row = _found(reads.message_by_id(session, message_id))
        about = lead_reads.decisions_about(session, row.lead_id, message_id) if row.lead_id else ()
        raw = reads.kept_raw(session, row.mid)
    source = source_of(raw) if raw else None
    # A mail that was only kept went to nobody, so whoever tries Nurture out may be its reader.
    reader = message_token(runtime.links, Purpose.VIEW, message_id) if raw else None
    return render_template(
        "outbox/show.html",
        row=row,
        decisions=about,
        source=source,
        text=_text(message_id, source),
        reader=reader,
    )


@outbox.get("/outbox/<id:message_id>/html")
@needs("outbox:view")
def html(message_id: int) -> Response:
    """The mail's HTML, for the frame alone, shut in a policy of its own; nothing in it reports an open."""
    try:
        rendered = staff_view(the_runtime(), message_id)
    except TemplateError:
        raise NotFound(f"Message {message_id} was never rendered.") from None
    response = Response(rendered.html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _text(message_id: int, source: Source | None) -> str:
    if source is not None and source.text:
        return source.text
    try:
        return staff_view(the_runtime(), message_id).text
    except (NotFound, TemplateError):
        return ""


def _found(row: MessageRow | None) -> MessageRow:
    if row is None:
        raise NotFound("There is no such message.")
    return row
