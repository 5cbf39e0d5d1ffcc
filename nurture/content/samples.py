"""Values to look at a template with when no lead is chosen: its own sample, and made-up links."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nurture.content.links import MessageUrls
from nurture.content.values import CampaignRef, Card, From, Occasion, merge_values, plain
from nurture.domain.definition.front_matter import FrontMatter, Kind

MOMENT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When samples take place."""

_SENDER = From("Ana Reis", "ana@example.com", "Example Ltd, 1 High Street, Lisbon")
_BASE = "https://www.example.com"
SYSTEM_SAMPLE = {
    "organisation": {"name": "Example Ltd"},
    "action_url": f"{_BASE}/action",
    "expires_in": "2 hours",
    "user": {"name": ""},
    "alert": {"title": "A lead is ready to talk", "text": "", "reasons": []},
}


def sample_urls(base_url: str) -> MessageUrls:
    """Addresses that look like a message's and lead nowhere."""
    return MessageUrls(
        unsubscribe=f"{base_url}/u/sample", preferences=f"{base_url}/p/sample", view=f"{base_url}/v/sample"
    )


def sample_values(front: FrontMatter, sender: From = _SENDER) -> dict[str, Any]:
    """Merge values made of a template's sample; what the sample leaves out is empty or made up."""
    system = front.kind is Kind.SYSTEM
    occasion = Occasion(
        identity=sender,
        urls=MessageUrls() if system else sample_urls(_BASE),
        now=MOMENT,
        campaign=None if system else CampaignRef("sample", "Sample"),
        piece=None if system else Card(front.title or front.subject, front.summary or front.preheader, _BASE),
        extra=SYSTEM_SAMPLE if system else {},
    )
    return _laid_over(merge_values(None, occasion), front.sample)


def _laid_over(values: dict[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
    """The values with those of the sample in their place, section by section."""
    for name, given in sample.items():
        known = values.get(name)
        if name.startswith("_"):
            continue
        if isinstance(known, dict) and isinstance(given, Mapping):
            values[name] = {**known, **_plain_section(given)}
        else:
            values[name] = plain(given)
    return values


def _plain_section(given: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): plain(value, 1) for key, value in given.items()}
