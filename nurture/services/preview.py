"""Looking at mails: as they would be for somebody, and as they were sent."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from nurture.content.compile import Compiled
from nurture.content.links import MessageUrls
from nurture.content.render import Rendered, render
from nurture.content.samples import SYSTEM_SAMPLE, sample_urls, sample_values
from nurture.content.values import TRACKING, CampaignRef, Card, From, Occasion, merge_values
from nurture.domain.definition.front_matter import FrontMatter, Kind
from nurture.domain.definition.organisation import DEFAULT_IDENTITY, Organisation
from nurture.domain.errors import NotFound
from nurture.services.house import load_house
from nurture.services.identities import writer_of
from nurture.services.runtime import Runtime
from nurture.store import contents
from nurture.store.leads import lead_views
from nurture.store.templates import current_version, version_of


def preview_template(
    runtime: Runtime, slug: str, lead_id: int | None = None, language: str | None = None
) -> Rendered:
    """A template as this lead would get it now, or with its own sample where no lead is named.

    Its links lead nowhere and nothing is counted.

    Raises:
        NotFound: there is no such template or lead.
        TemplateError: it cannot be rendered with these values.
    """
    now = runtime.clock.now()
    with runtime.read() as session:
        lead = None
        if lead_id is not None:
            lead = lead_views(session, [lead_id]).get(lead_id)
            if lead is None:
                raise NotFound(f"There is no lead {lead_id}.")
        compiled, front = _current(session, slug, language or (lead.language if lead else None))
        house = load_house(session)
    sender = _sender(runtime, house.organisation)
    if lead is None:
        return render(compiled, sample_values(front, sender))
    system = front.kind is Kind.SYSTEM
    occasion = Occasion(
        identity=sender,
        urls=MessageUrls() if system else sample_urls(runtime.settings.base_url),
        now=now,
        campaign=None if system else CampaignRef("preview", "Preview"),
        piece=None if system else Card(front.title or front.subject, front.summary or front.preheader),
        custom=tuple(house.field_types),
        extra={**SYSTEM_SAMPLE, "organisation": {"name": house.organisation.name}} if system else {},
    )
    return render(compiled, merge_values(lead, occasion))


def mail_as_sent(runtime: Runtime, message_id: int) -> Rendered:
    """The mail that went out, from its template version and merge values: the same bytes, always.

    Raises:
        NotFound: there is no such message, or it was never rendered.
    """
    compiled, merge = _sent(runtime, message_id)
    return render(compiled, merge)


def view_message(runtime: Runtime, message_id: int) -> str:
    """The HTML of a mail as it was sent, for its reader's browser.

    Raises:
        NotFound: there is no such message, or it was never rendered.
    """
    return mail_as_sent(runtime, message_id).html


def staff_view(runtime: Runtime, message_id: int) -> Rendered:
    """A mail as it was sent, but for the pixel and the numbers of links: looking at it counts nothing.

    Raises:
        NotFound: there is no such message, or it was never rendered.
    """
    compiled, merge = _sent(runtime, message_id)
    return render(compiled, {**merge, TRACKING: {}})


def _sent(runtime: Runtime, message_id: int) -> tuple[Compiled, Mapping[str, Any]]:
    with runtime.read() as session:
        found = contents.rendered(session, message_id)
    if found is None:
        raise NotFound(f"There is no mail {message_id}, or it was not written yet.")
    return Compiled.from_json(found.compiled), found.merge


def _current(session: Session, slug: str, language: str | None) -> tuple[Compiled, FrontMatter]:
    version_id = current_version(session, slug, language)
    if version_id is None:
        raise NotFound(f'There is no template "{slug}". Add it to email_templates/ and apply it.')
    version = version_of(session, version_id)
    return Compiled.from_json(version.compiled), version.front


def _sender(runtime: Runtime, organisation: Organisation) -> From:
    try:
        writer = writer_of(organisation, runtime.settings, DEFAULT_IDENTITY)
    except NotFound:
        return From(organisation.name, "", _NO_ADDRESS)
    return From(writer.name, writer.email, writer.postal_address or _NO_ADDRESS)


_NO_ADDRESS = "(no postal address yet)"
"""A preview is shown without one; no mail is sent without one."""
