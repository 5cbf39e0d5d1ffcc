"""The neutral mail value: what a mailer is given, whatever transport it speaks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address as they stand in a header; both already cleaned."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one address, complete.

    `headers` holds what stands beside From, To, Subject, Reply-To, Date and Message-ID (List-Unsubscribe,
    List-Id, Feedback-ID …), in order. `envelope_sender` is where bounces go (VERP); `message_id` has no
    angle brackets; `date` is an RFC 5322 date. `html_parts`, where given, is `html` cut where it differs
    between leads, so that what is the same for all is encoded once.
    """

    mid: str
    sender: Mailbox
    recipient: Mailbox
    subject: str
    text: str
    html: str
    message_id: str
    date: str
    reply_to: str = ""
    envelope_sender: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    html_parts: tuple[str, ...] = ()
