"""The letter that a mailer is given: what was rendered, and the headers that go with it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from nurture.content.headers import MAX_NAME, checked_url, clean_address, clean_header
from nurture.content.render import Rendered
from nurture.domain.errors import HeaderError
from nurture.domain.letter import Letter, Mailbox

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class MailingList:
    """What tells mail programs that this is marketing, and how to get out of it.

    `slug` names the list stably (the topic), `name` is for people. `unsubscribe_mailto` may be empty.
    """

    slug: str
    name: str
    unsubscribe_url: str
    unsubscribe_address: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom, when, and as what; `list` is None for system mails and answers of people.

    `automatic` says that no person wrote it, so that nobody's out-of-office answers it.
    """

    mid: str
    sender: Mailbox
    recipient: Mailbox
    date: datetime
    reply_to: str = ""
    envelope_sender: str = ""
    list: MailingList | None = None
    automatic: bool = True


def compose(rendered: Rendered, envelope: Envelope) -> Letter:
    """The letter, every header cleaned: whatever a lead is called, the set of headers is ours.

    Raises:
        AddressError: recipient or sender cannot be written to.
        HeaderError: an address of ours would break a header.
    """
    sender, recipient = _mailbox(envelope.sender), _mailbox(envelope.recipient)
    domain = sender.address.rpartition("@")[2]
    headers = _list_headers(envelope.list, domain) if envelope.list else []
    return Letter(
        mid=envelope.mid,
        sender=sender,
        recipient=recipient,
        subject=clean_header(rendered.subject) or "(no subject)",
        text=rendered.text,
        html=rendered.html,
        html_parts=rendered.html_parts,
        message_id=f"{_word(envelope.mid)}@{domain}",
        date=format_datetime(envelope.date),
        reply_to=clean_address(envelope.reply_to) if envelope.reply_to else "",
        envelope_sender=clean_address(envelope.envelope_sender) if envelope.envelope_sender else "",
        headers=tuple(headers + _automatic_headers(envelope)),
    )


def _mailbox(mailbox: Mailbox) -> Mailbox:
    return Mailbox(clean_address(mailbox.address), clean_header(mailbox.name, MAX_NAME))


def _list_headers(mailing: MailingList, domain: str) -> list[Header]:
    """How to unsubscribe, and which list this is.

    Source: RFC 2369 (List-Unsubscribe), RFC 8058 (one click), RFC 2919 (List-Id), Google's Feedback-ID
    (at most four fields, the last naming the sender).
    """
    ways = [f"<{checked_url(mailing.unsubscribe_url)}>"]
    if mailing.unsubscribe_address:
        ways.append(f"<{checked_url('mailto:' + mailing.unsubscribe_address + '?subject=unsubscribe')}>")
    slug = _word(mailing.slug or "all")
    name = clean_header(mailing.name, MAX_NAME)
    phrase = name.encode("ascii", "ignore").decode().translate(_SPECIALS).strip()
    sender = "n" + hashlib.sha256(domain.encode()).hexdigest()[:9]
    return [
        ("List-Unsubscribe", ", ".join(ways)),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Id", f"{phrase} <{slug}.{domain}>".strip()),
        ("Feedback-ID", f"{_word(mailing.campaign or 'none')}:{slug}:campaign:{sender}"),
    ]


_SPECIALS = str.maketrans(dict.fromkeys('<>()[]:;@\\,."', " "))


def _automatic_headers(envelope: Envelope) -> list[Header]:
    """Words that keep responders silent.

    Source: RFC 3834 (Auto-Submitted); Precedence and X-Auto-Response-Suppress are widely honoured custom.
    """
    if not envelope.automatic:
        return []
    headers = [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "OOF, AutoReply")]
    return [("Precedence", "bulk"), *headers] if envelope.list else headers


def _word(text: str) -> str:
    """A word of ours in a header: letters, digits, - and _."""
    word = text.replace("/", "-")
    if not word.isascii() or not word.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise HeaderError(
            f'"{clean_header(text, 80)}" cannot stand in a header. Use letters, digits and "-".'
        )
    return word
