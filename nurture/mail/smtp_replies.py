"""What a mail server's answers mean for a message, by the phase in which they came.

Source: RFC 5321, 4.2 and 4.3.2; RFC 4954, 6 (authentication); RFC 3463 (enhanced codes).
"""

from dataclasses import dataclass
from enum import StrEnum

from nurture.domain.errors import AccountRefused, MailerError, MessageRefused, OutcomeUnknown, RefusedForNow


class Phase(StrEnum):
    """How far a message has come; only the last one leaves its outcome open."""

    OPENING = "opening"
    LOG_IN = "log-in"
    SENDER = "MAIL FROM"
    RECIPIENT = "RCPT TO"
    DATA = "DATA"
    CONTENT = "content"
    AFTER_DOT = "after the final dot"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply code and its text, line by line."""

    code: int
    text: str

    @property
    def done(self) -> bool:
        """Whether the command was obeyed."""
        return 200 <= self.code < 300

    @property
    def go_on(self) -> bool:
        """Whether the server waits for what belongs to the command."""
        return 300 <= self.code < 400

    def __str__(self) -> str:
        return f"{self.code} {self.text}".replace("\n", " ")[:500]


_ACCOUNT_CODES = frozenset({530, 534, 535, 538})
"""Authentication is required, too weak, wrong or needs encryption."""


def refusal(phase: Phase, reply: Reply) -> MailerError:
    """The error that a negative reply is.

    Up to MAIL the server knows nothing of the recipient, so a lasting refusal is about the account.
    """
    said = f"{phase}: {reply}"
    if 400 <= reply.code < 500:
        return RefusedForNow(said)
    if reply.code < 500 or reply.code > 599:
        # Not a reply of SMTP: whoever talks there has lost the thread.
        return OutcomeUnknown(said) if phase is Phase.AFTER_DOT else RefusedForNow(said)
    if reply.code in _ACCOUNT_CODES or _forbids_relaying(reply):
        return AccountRefused(said)
    if phase in (Phase.OPENING, Phase.LOG_IN):
        return AccountRefused(said)
    if phase is Phase.SENDER and reply.code != 552:
        return AccountRefused(said)
    return MessageRefused(said)


def loss(phase: Phase, error: Exception) -> MailerError:
    """The error that a lost or silent connection is: only after the final dot nobody can tell.

    Source: RFC 1047 (the gap between the final dot and its reply).
    """
    said = f"connection lost, {phase}: {str(error) or type(error).__name__}"
    return OutcomeUnknown(said) if phase is Phase.AFTER_DOT else RefusedForNow(said)


def _forbids_relaying(reply: Reply) -> bool:
    return reply.code in (550, 554) and "relay" in reply.text.lower()
