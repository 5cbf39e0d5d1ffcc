"""Letters for tests."""

from dataclasses import replace
from typing import Any

from nurture.domain.letter import Letter, Mailbox

LETTER = Letter(
    mid="m7k2q",
    sender=Mailbox("clara@example.com", "Clara Whitfield, Quillstead"),
    recipient=Mailbox("ana@example.org", "Ana Reis"),
    subject="Four numbers from your invoice pile",
    text="Hello Ana,\n\nfour numbers.\n",
    html="<p>Hello Ana,</p>\n<p>four numbers.</p>\n",
    message_id="m7k2q@example.com",
    date="Mon, 02 Mar 2026 10:00:00 +0000",
    reply_to="reply+abc@in.example.com",
    envelope_sender="bounce+abc@in.example.com",
    headers=(
        ("List-Unsubscribe", "<https://nurture.example.com/u/abc>, <mailto:unsubscribe+abc@in.example.com>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Id", "Case studies <case-studies.example.com>"),
        ("Feedback-ID", "c1:m:nurture:quillstead"),
    ),
)


def letter(**changes: Any) -> Letter:
    """A letter like any other, but for `changes`."""
    return replace(LETTER, **changes)
