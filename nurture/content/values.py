"""What a template is given: plain data about one lead and one occasion, cleaned, and fit for JSON.

Kept with the message, so that the mail can be rendered again byte for byte.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nurture.content.links import MessageUrls
from nurture.domain.values import CompanyView, LeadView, Scalar

TRACKING = "_tracking"
MAX_TEXT = 2000
MAX_FACT = 200
"""A name or the like; what is longer would spoil every mail it stands in."""
MAX_ITEMS = 50

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]

# Controls, line and paragraph separators, surrogates, and marks that turn the direction of what follows.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class From:
    """Whom the mail is from, as it shows at its foot."""

    name: str
    email: str
    postal_address: str = ""


@dataclass(frozen=True, slots=True)
class CampaignRef:
    """The campaign that sends the mail."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Card:
    """A piece as a letter shows it."""

    title: str
    summary: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Occasion:
    """All that a mail depends on beside the lead.

    `custom` names the organisation's own fields, so that those without a value are known too; `extra` is
    what system mails see besides (organisation, action_url, expires_in, user, alert).
    """

    identity: From
    urls: MessageUrls
    now: datetime
    campaign: CampaignRef | None = None
    piece: Card | None = None
    owner: str = ""
    custom: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def merge_values(lead: LeadView | None, occasion: Occasion) -> dict[str, Any]:
    """The merge values of one message: plain, cleaned, the same after a round trip through JSON."""
    urls, campaign, piece = occasion.urls, occasion.campaign, occasion.piece
    values = {
        "lead": _lead(lead, occasion.owner),
        "company": _company(lead.company if lead else None),
        "custom": _custom(lead, occasion.custom),
        "campaign": {"slug": campaign.slug, "name": campaign.name} if campaign else {},
        "piece": {"title": piece.title, "summary": piece.summary, "url": piece.url} if piece else {},
        "from_identity": {
            "name": occasion.identity.name,
            "email": occasion.identity.email,
            "postal_address": occasion.identity.postal_address,
        },
        "unsubscribe_url": urls.unsubscribe,
        "preferences_url": urls.preferences,
        "view_url": urls.view,
        "now": occasion.now.isoformat(timespec="seconds"),
        TRACKING: {"click": urls.click, "open": urls.opened},
        **occasion.extra,
    }
    return {key: plain(value) for key, value in values.items()}


def _lead(lead: LeadView | None, owner: str) -> dict[str, str]:
    if lead is None:
        return {}
    facts = {
        "email": lead.address,
        "first_name": lead.first_name,
        "last_name": lead.last_name,
        "language": lead.language,
        "zone": lead.zone,
        "owner": owner,
        "lifecycle": lead.lifecycle.value,
        "stage": lead.stage.value,
    }
    return {name: clean(fact or "", MAX_FACT) for name, fact in facts.items()}


def _company(company: CompanyView | None) -> dict[str, str]:
    if company is None:
        return {}
    facts = {
        "name": company.name,
        "domain": company.domain,
        "industry": company.industry,
        "company_size": company.size,
        "country": company.country,
    }
    return {name: clean(fact or "", MAX_FACT) for name, fact in facts.items()}


def _custom(lead: LeadView | None, names: tuple[str, ...]) -> dict[str, Scalar]:
    if lead is None:
        return {}
    known = {**(lead.company.fields if lead.company else {}), **lead.fields}
    return {name: known.get(name) for name in names}


def plain(value: object, depth: int = 0) -> Plain:
    """The value as plain data: texts cleaned and cut, nothing too deep or too long, nothing unknown."""
    match value:
        case None:
            return ""
        case bool() | int():
            return value if abs(value) < 2**53 else str(value)
        case float():
            return _number(value)
        case Mapping() if depth < 3:
            items = list(value.items())[:MAX_ITEMS]
            return {clean(str(key)): plain(item, depth + 1) for key, item in items}
        case list() | tuple() if depth < 3:
            return [plain(item, depth + 1) for item in value[:MAX_ITEMS]]
        case _:
            return clean(str(value))


def _number(value: float) -> Plain:
    # PostgreSQL's JSON writes 2.0 and 1e16 differently; whole numbers and texts come back as they went.
    if not math.isfinite(value):
        return ""
    if value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if 1e-4 <= abs(value) < 1e15 else repr(value)


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """A text without controls and without marks that change how the text around it is read; cut if long."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    text = _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\t", " "))
    return text if len(text) <= limit else text[: limit - 1] + "…"
