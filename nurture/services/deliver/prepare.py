"""From a claimed message to a letter that is ready to go, or to the reason why it does not go now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from nurture.content.compile import Compiled
from nurture.content.compose import Envelope, MailingList, compose
from nurture.content.links import (
    NO_URLS,
    LinkScheme,
    MessageUrls,
    bounce_address,
    message_urls,
    reply_address,
    unsubscribe_address,
)
from nurture.content.render import Rendered, render
from nurture.content.values import CampaignRef, Card, From, Occasion, merge_values
from nurture.domain.errors import InputError, NotFound, TemplateError
from nurture.domain.governor import Attention, ask
from nurture.domain.letter import Letter, Mailbox
from nurture.domain.sending import Blocked, MessageState, may_send
from nurture.domain.timing.windows import LEAD, next_send
from nurture.domain.timing.zones import zone_of
from nurture.domain.values import LeadView
from nurture.services.deliver.load import Backdrop, country_of
from nurture.services.identities import Writer, writer_of
from nurture.services.runtime import Runtime
from nurture.store.messages import LOOK_AGAIN, Claimed, Intent, Outcome

log = structlog.get_logger(__name__)

CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter that waits for its intent."""

    message: Claimed
    letter: Letter
    intent: Intent


def prepare(runtime: Runtime, message: Claimed, backdrop: Backdrop, now: datetime) -> Ready | Outcome:
    """Render and address one message, or say why it does not go.

    What can be foreseen of the binding check is looked at first. A message that cannot be rendered fails
    by itself, with its reason; the others of its batch do not notice.
    """
    blocked = _foreseen(runtime, message, backdrop, now)
    if blocked is not None:
        return _not_now(message, blocked, now)
    try:
        return _ready(runtime, message, backdrop, now)
    except TemplateError as error:
        return _failed(message, "template", error)
    except (InputError, NotFound) as error:
        return _failed(message, "content", error)
    except Exception as error:
        log.exception("message not rendered", action="render", message_id=message.id)
        return _failed(message, "error", error)


# --- what can be foreseen ------------------------------------------------------------------------


def _foreseen(runtime: Runtime, message: Claimed, backdrop: Backdrop, now: datetime) -> Blocked | None:
    if message.not_after is not None and message.not_after <= now:
        said = f"It was to go out before {message.not_after:%Y-%m-%d %H:%M} UTC."
        return Blocked("expired", said, final=True)
    lead = backdrop.leads.get(message.lead_id or 0)
    if message.kind != CAMPAIGN or lead is None:
        return None
    campaign, flow = (
        backdrop.campaigns.get(message.campaign_id or 0),
        backdrop.flows.get(message.enrollment_id or 0),
    )
    blocked = may_send(
        lead,
        message.topic,
        now,
        running=campaign is not None and campaign.running,
        on_reply=flow.definition.on_reply if flow else "pause",
    )
    return blocked or _not_the_time(runtime, message, lead, backdrop, now)


def _not_the_time(
    runtime: Runtime, message: Claimed, lead: LeadView, backdrop: Backdrop, now: datetime
) -> Blocked | None:
    """Whether window, quiet hours and budget still allow what was planned some time ago."""
    flow = backdrop.flows.get(message.enrollment_id or 0)
    if flow is None:
        return None
    zone = zone_of(lead, flow.definition.zone, runtime.settings.zone)
    window = flow.windows.get(message.step or "")
    country = "" if window is None else country_of(lead) if window.holidays == LEAD else window.holidays
    step = flow.steps.get(message.step or "")
    quiet = None if getattr(step, "window", None) == "any" else backdrop.quiet
    opens = next_send(now, zone, window, quiet, backdrop.holidays.get(country, frozenset()))
    if opens is not None and opens > now:
        return Blocked("window", "It is not a time to send to the lead any more.", until=opens)
    attention = Attention(backdrop.given.get(lead.id, ()), zone, lead.less_often)
    later = ask(backdrop.house.organisation.budget, attention, now)
    return None if later is None else Blocked("budget", later.sentence, until=later.at)


def _not_now(message: Claimed, blocked: Blocked, now: datetime) -> Outcome:
    if blocked.final:
        state = MessageState.CANCELLED if blocked.reason == "expired" else MessageState.SUPPRESSED
        return Outcome(message.id, message.token, state, state.value, blocked.reason, blocked.sentence)
    if blocked.until is not None:
        pending = MessageState.PENDING
        return Outcome(
            message.id, message.token, pending, "later", blocked.reason, blocked.sentence, blocked.until
        )
    if blocked.reason == "conversation":
        again = now + LOOK_AGAIN
        return Outcome(
            message.id, message.token, MessageState.PENDING, "later", blocked.reason, blocked.sentence, again
        )
    # Its campaign was paused a moment ago, and a paused campaign's messages are not claimed.
    return Outcome(message.id, message.token, MessageState.PENDING)


def _failed(message: Claimed, reason: str, error: Exception) -> Outcome:
    return Outcome(
        message.id,
        message.token,
        MessageState.FAILED,
        "failed",
        reason,
        f"It could not be written: {error}"[:1000],
    )


# --- writing -------------------------------------------------------------------------------------


def _ready(runtime: Runtime, message: Claimed, backdrop: Backdrop, now: datetime) -> Ready:
    lead = backdrop.leads.get(message.lead_id or 0)
    writer = writer_of(backdrop.house.organisation, runtime.settings, message.identity)
    compiled, _card = _template(message, backdrop)
    urls = _urls(runtime, message, lead)
    values = merge_values(lead, _occasion(message, backdrop, writer, urls, now))
    rendered = render(compiled, values)
    envelope = Envelope(
        mid=message.mid,
        sender=Mailbox(writer.email, writer.name),
        recipient=_recipient(message, lead),
        date=now,
        reply_to=_reply_to(runtime, message, writer),
        envelope_sender=_return_path(runtime, message),
        list=_list(runtime, message, backdrop, urls),
    )
    return Ready(message, compose(rendered, envelope), _intent(message, backdrop, values, rendered))


def _template(message: Claimed, backdrop: Backdrop) -> tuple[Compiled, Card]:
    found = backdrop.templates.get(message.template_version_id or "")
    if found is None:
        raise NotFound(f"Its template version {message.template_version_id} is not there any more.")
    return found


def _urls(runtime: Runtime, message: Claimed, lead: LeadView | None) -> MessageUrls:
    if message.kind != CAMPAIGN or lead is None:
        return NO_URLS
    settings = runtime.settings
    scheme = LinkScheme(runtime.links, settings.base_url, settings.track_opens, settings.track_clicks)
    return message_urls(scheme, message.id, lead.id, message.topic or "")


def _occasion(
    message: Claimed, backdrop: Backdrop, writer: Writer, urls: MessageUrls, now: datetime
) -> Occasion:
    lead = backdrop.leads.get(message.lead_id or 0)
    campaign = backdrop.campaigns.get(message.campaign_id or 0)
    _compiled, card = _template(message, backdrop)
    return Occasion(
        identity=From(writer.name, writer.email, writer.postal_address),
        urls=urls,
        now=now,
        campaign=None if campaign is None else CampaignRef(campaign.slug, campaign.name),
        piece=replace(card, url=urls.view) if message.piece else None,
        owner=backdrop.owners.get((lead.owner_id if lead else None) or 0, ""),
        custom=tuple(backdrop.house.field_types),
        extra=backdrop.extras.get(message.id, {}),
    )


def _recipient(message: Claimed, lead: LeadView | None) -> Mailbox:
    if lead is None:
        return Mailbox(message.address or "")
    name = " ".join(part for part in (lead.first_name, lead.last_name) if part)
    return Mailbox(lead.address, name)


def _reply_to(runtime: Runtime, message: Claimed, writer: Writer) -> str:
    domain = runtime.settings.reply_domain
    if domain is None or message.kind != CAMPAIGN:
        return writer.reply_to
    return reply_address(runtime.links, domain, message.id)


def _return_path(runtime: Runtime, message: Claimed) -> str:
    domain = runtime.settings.bounce_domain
    return "" if domain is None else bounce_address(runtime.links, domain, message.id)


def _list(runtime: Runtime, message: Claimed, backdrop: Backdrop, urls: MessageUrls) -> MailingList | None:
    campaign = backdrop.campaigns.get(message.campaign_id or 0)
    if message.kind != CAMPAIGN or campaign is None:
        return None
    organisation, domain = backdrop.house.organisation, runtime.settings.reply_domain
    topic = organisation.topic(message.topic or "")
    return MailingList(
        slug=message.topic or "all",
        name=topic.name if topic else organisation.name,
        unsubscribe_url=urls.unsubscribe,
        unsubscribe_address=unsubscribe_address(runtime.links, domain, message.id) if domain else "",
        campaign=campaign.slug,
    )


def _intent(message: Claimed, backdrop: Backdrop, values: Mapping[str, Any], rendered: Rendered) -> Intent:
    flow = backdrop.flows.get(message.enrollment_id or 0)
    return Intent(
        message_id=message.id,
        token=message.token,
        kind=message.kind,
        has_lead=message.lead_id is not None,
        merge=values,
        subject=rendered.subject,
        links=rendered.links,
        despite_conversation=flow is not None and flow.definition.on_reply == "continue",
    )
