"""Immutable facts about leads, and how much each proves."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nurture.domain.errors import InputError
from nurture.domain.values import Scalar


class EventKind(StrEnum):
    """The kinds of facts that the product knows; others are written `custom:<name>`."""

    PAGE_VISITED = "page_visited"
    FORM_SUBMITTED = "form_submitted"
    ASSET_DOWNLOADED = "asset_downloaded"
    EMAIL_DELIVERED = "email_delivered"
    EMAIL_OPENED = "email_opened"
    EMAIL_CLICKED = "email_clicked"
    EMAIL_REPLIED = "email_replied"
    EMAIL_BOUNCED = "email_bounced"
    EMAIL_COMPLAINED = "email_complained"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    CALL_LOGGED = "call_logged"
    CHAT_MESSAGE = "chat_message"
    DEMO_REQUESTED = "demo_requested"
    QUOTE_REQUESTED = "quote_requested"
    PURCHASED = "purchased"
    IMPORTED = "imported"
    EDITED = "edited"
    TAGGED = "tagged"
    MERGED = "merged"
    MOVED = "moved"
    CONSENT_GIVEN = "consent_given"


_KNOWN = frozenset(kind.value for kind in EventKind)


class Verdict(StrEnum):
    """Who made an open or a click, as far as can be told; it can be revised."""

    HUMAN = "human"
    PROXY = "proxy"
    MACHINE = "machine"
    UNKNOWN = "unknown"


HUMAN_EVIDENCE = frozenset({Verdict.HUMAN, Verdict.PROXY})
"""A proxy fetches the image when the person opens the mail, so its hit is a person's."""

JUDGED = frozenset({EventKind.EMAIL_OPENED, EventKind.EMAIL_CLICKED})
"""Kinds that a machine may have caused: they carry a verdict and count only with human evidence."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about one lead.

    `id` is `event_id(source, external_id)`, so it does not depend on the order of arrival; `at` is when it
    happened. `step` and `campaign` name the step whose message it answers, where there is one.
    """

    id: int
    lead_id: int
    kind: str
    at: datetime
    verdict: Verdict | None = None
    message_id: int | None = None
    campaign: str | None = None
    enrollment_id: int | None = None
    step: str | None = None
    data: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether this is evidence of a person: machine opens and clicks never count."""
        return self.kind not in JUDGED or self.verdict in HUMAN_EVIDENCE


def event_id(source: str, external_id: str) -> int:
    """The same signed 64-bit key for the same fact, however often and wherever it is reported."""
    digest = hashlib.blake2b(f"{source}\x00{external_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def known_kind(kind: str) -> str:
    """Return `kind` if it is one of ours or a well-formed `custom:<name>`.

    Raises:
        InputError: otherwise, with the kinds there are.
    """
    name = kind.removeprefix("custom:").replace("_", "").replace("-", "")
    if kind in _KNOWN or (kind.startswith("custom:") and name.isalnum()):
        return kind
    raise InputError(
        f'"{kind}" is not a kind of event. '
        f'Use one of {", ".join(EventKind)}, or "custom:" and a name of your own.'
    )
