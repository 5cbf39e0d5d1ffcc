"""The addresses in a mail that lead back to us: one token per message, a number per link."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nurture.tokens import LinkKeys, Purpose, address_token, message_token, preferences_token


@dataclass(frozen=True, slots=True)
class LinkScheme:
    """How links are made here: the keys that sign them, where they lead, and what the operator counts."""

    keys: LinkKeys
    base_url: str
    track_opens: bool = True
    track_clicks: bool = True


@dataclass(frozen=True, slots=True)
class MessageUrls:
    """A message's addresses; `click` lacks its `/<number>`. What is empty is not in the mail."""

    unsubscribe: str = ""
    preferences: str = ""
    view: str = ""
    click: str = ""
    opened: str = ""


NO_URLS = MessageUrls()
"""For system mails: nothing to unsubscribe from, nothing counted."""


def message_urls(scheme: LinkScheme, message_id: int, lead_id: int, topic: str = "") -> MessageUrls:
    """The addresses of one message to one lead."""
    keys, base = scheme.keys, scheme.base_url.rstrip("/")
    hit = message_token(keys, Purpose.HIT, message_id)
    return MessageUrls(
        unsubscribe=f"{base}/u/{message_token(keys, Purpose.UNSUBSCRIBE, message_id)}",
        preferences=f"{base}/p/{preferences_token(keys, lead_id, topic)}",
        view=f"{base}/v/{message_token(keys, Purpose.VIEW, message_id)}",
        click=f"{base}/c/{hit}" if scheme.track_clicks else "",
        opened=f"{base}/o/{hit}" if scheme.track_opens else "",
    )


def target_of(compiled: Mapping[str, Any], number: int) -> str | None:
    """The target of a static link in `template_version.compiled`; None for a link of one message alone."""
    links = compiled["links"]
    return str(links[number - 1]) if 1 <= number <= len(links) else None


def reply_address(keys: LinkKeys, domain: str, message_id: int) -> str:
    """Where an answer to this message goes."""
    return f"reply+{address_token(keys, Purpose.REPLY, message_id)}@{domain}"


def bounce_address(keys: LinkKeys, domain: str, message_id: int) -> str:
    """Where this message comes back to when it cannot be delivered (a variable envelope return path)."""
    return f"bounce+{address_token(keys, Purpose.BOUNCE, message_id)}@{domain}"


def unsubscribe_address(keys: LinkKeys, domain: str, message_id: int) -> str:
    """Where a mail program writes to unsubscribe by mail."""
    return f"unsubscribe+{address_token(keys, Purpose.UNSUBSCRIBE, message_id)}@{domain}"
