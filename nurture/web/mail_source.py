"""A kept mail taken apart for reading: its header lines, its text part, its source."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

LONGEST_SOURCE = 200_000


@dataclass(frozen=True, slots=True)
class Source:
    """What a mail consists of; `raw` is cut after 200,000 characters."""

    headers: tuple[tuple[str, str], ...]
    text: str
    raw: str
    size_bytes: int


def source_of(raw: bytes) -> Source:
    """Take a whole RFC 5322 message apart; anything that cannot be read is left out."""
    message = message_from_bytes(raw, policy=policy.default.clone(raise_on_defect=False))
    return Source(
        headers=tuple((name, " ".join(str(value).split())) for name, value in message.items()),
        text=_text_of(message) if isinstance(message, EmailMessage) else "",
        raw=raw[:LONGEST_SOURCE].decode("utf-8", "replace").replace("\r\n", "\n"),
        size_bytes=len(raw),
    )


def _text_of(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain",))
    if part is None:
        return ""
    content = part.get_content()
    return content if isinstance(content, str) else ""
