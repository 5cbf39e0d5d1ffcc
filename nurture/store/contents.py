"""What messages were rendered from: their template versions and merge values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nurture.store.schema import Message, MessageContent, TemplateVersion


@dataclass(frozen=True, slots=True)
class RenderedFrom:
    """All that a mail is made of."""

    compiled: Mapping[str, Any]
    merge: Mapping[str, Any]


def rendered(session: Session, message_id: int) -> RenderedFrom | None:
    """What a message was rendered from; None where it was not rendered."""
    row = session.execute(
        select(TemplateVersion.compiled, MessageContent.merge)
        .select_from(Message)
        .join(MessageContent, MessageContent.message_id == Message.id)
        .join(TemplateVersion, TemplateVersion.id == Message.template_version_id)
        .where(Message.id == message_id)
    ).first()
    return None if row is None else RenderedFrom(row.compiled, row.merge)
