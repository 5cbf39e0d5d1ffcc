"""Letters: the headers that are promised, and that no value of a lead adds one."""

import email
import email.policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.content.compose import Envelope, MailingList, compose
from nurture.content.headers import checked_url, clean_address, clean_header
from nurture.content.links import bounce_address, reply_address, unsubscribe_address
from nurture.content.render import Rendered
from nurture.domain.errors import AddressError, HeaderError
from nurture.domain.letter import Letter, Mailbox
from nurture.mail.mime import build
from nurture.tokens import Purpose, verify_address
from tests.support.letters import KEYS, NOW, URLS, rendered

MID = "abcdefghijklmnopqrstuvwxyz"
LIST = MailingList("case_studies", "Case studies", URLS.unsubscribe, "unsubscribe+x@r.example", "welcome")
MARKETING = {
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Feedback-ID",
    "Precedence",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
}
STANDARD = {"Date", "From", "To", "Subject", "Message-ID", "Reply-To", "MIME-Version", "Content-Type"}


def envelope(name: str = "Ana", mailing: MailingList | None = LIST, **changes: object) -> Envelope:
    given_values = {
        "mid": MID,
        "sender": Mailbox("clara@example.com", "Clara, Example"),
        "recipient": Mailbox("ana@reis.example", name),
        "date": NOW,
        "reply_to": "reply+x@r.example",
        "envelope_sender": "bounce+x@r.example",
        "list": mailing,
    }
    return Envelope(**{**given_values, **changes})  # type: ignore[arg-type] # Values by name.


def letter(subject: str = "Hello", name: str = "Ana", mailing: MailingList | None = LIST) -> Letter:
    return compose(Rendered(subject, "", "<p>Hi</p>", "Hi\n"), envelope(name, mailing))


def parsed(composed: Letter) -> EmailMessage:
    message = BytesParser(policy=email.policy.default).parsebytes(build(composed))
    assert isinstance(message, EmailMessage)
    return message


def test_marketing_mail_has_every_header_that_is_promised() -> None:
    message = parsed(letter())
    assert message["List-Unsubscribe"] == (
        f"<{URLS.unsubscribe}>, <mailto:unsubscribe+x@r.example?subject=unsubscribe>"
    )
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "Case studies <case_studies.example.com>"
    assert message["Message-ID"] == f"<{MID}@example.com>"
    assert message["Reply-To"] == "reply+x@r.example"
    assert message["Feedback-ID"].startswith("welcome:case_studies:campaign:n")
    assert message["Precedence"] == "bulk"
    assert message["Auto-Submitted"] == "auto-generated"
    assert letter().envelope_sender == "bounce+x@r.example"


def test_system_mail_cannot_be_unsubscribed_from() -> None:
    names = set(parsed(letter(mailing=None)).keys())
    assert names == STANDARD | {"Auto-Submitted", "X-Auto-Response-Suppress"}


def test_answer_of_a_person_is_not_called_automatic() -> None:
    composed = compose(Rendered("Re", "", "", "Hi"), envelope(mailing=None, automatic=False))
    assert composed.headers == ()


def test_list_unsubscribe_stays_on_one_line() -> None:
    raw = build(letter())
    assert f"List-Unsubscribe: <{URLS.unsubscribe}>, <mailto:".encode() in raw


PIECES = [
    "=?UTF-8?Q?",
    "=?utf-8?b?",
    "?=",
    "=0A",
    "=0D=0A",
    "Bcc: x@y.example",
    "\r\n",
    "\n",
    "\x00",
    "\u2028",
]
PIECES += [" ", "\u202e", "PQ==", "=?", "Cgo=", "a", "ß", "\x85", "\udc00"]


@given(text=st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_name_or_subject_adds_a_header(text: str) -> None:
    composed = letter(subject=text, name=text)
    message = parsed(composed)
    assert sorted(message.keys()) == sorted(STANDARD | MARKETING)
    assert message["To"].addresses[0].addr_spec == "ana@reis.example"
    assert len(message["To"].addresses) == 1


@given(text=st.text(max_size=200))
def test_cleaning_leaves_one_line_that_decodes_to_itself(text: str) -> None:
    cleaned = clean_header(text)
    assert cleaned == clean_header(cleaned)
    assert len(cleaned.encode()) <= 900
    assert "=?" not in cleaned
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in cleaned)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("=?UTF-8?Q?=0A?=Bcc: x@y", "Bcc: x@y"),
        ("=?utf-8?q?Hi=0D=0ABcc:_v@x?=", "Hi Bcc: v@x"),
        ("=?utf-8?b?QW5h?= =?utf-8?q?_Reis?=", "Ana Reis"),
        ("=?=?utf-8?q?=3D?==?utf-8?q?x=0A?=?=", None),
        ("=?nonsense?q?=0A?=", "=0A"),
        ("=?utf-8?b?****?=", None),
        ("Ana\r\n Reis\x00\u2028", "Ana Reis"),
        ("\u202eevil", "evil"),
        ("A" * 65536, "A" * 897 + "…"),
        ("Tom =? Jerry", "Tom = ? Jerry"),
        ("=" * 5 + "?" * 5, None),
    ],
)
def test_header_values_are_cleaned(text: str, cleaned: str | None) -> None:
    found = clean_header(text)
    assert "\n" not in found
    assert cleaned is None or found == cleaned


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "ana@",
        "@example.com",
        "a b@example.com",
        "a@b@example.com",
        "a@exa mple.com",
        "a@-.example",
        "a\r\nBcc: x@example.com",
        "<a@example.com>",
        "a,b@example.com",
        "a@example.com\x00",
        'a"@example.com',
        "a@[127.0.0.1]",
        "a@exam\u2028ple.com",
        "x" * 400 + "@example.com",
        "a@ex..ample.\u200bcom",
    ],
)
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    with pytest.raises(AddressError):
        compose(Rendered("s", "", "h", "t"), envelope(recipient=Mailbox(address)))


@pytest.mark.parametrize(
    ("address", "cleaned"),
    [
        ("ana@Example.COM", "ana@example.com"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("jürgen+x@example.com", "jürgen+x@example.com"),
    ],
)
def test_addresses_have_ascii_domains(address: str, cleaned: str) -> None:
    assert clean_address(address) == cleaned


def test_addresses_of_ours_that_would_break_a_header_are_refused() -> None:
    for url in (
        "https://a.example/>x",
        "https://a.example/\r\nBcc: x",
        "javascript:x",
        "https://a.example/ü",
    ):
        with pytest.raises(HeaderError):
            checked_url(url)
    with pytest.raises(HeaderError):
        letter(mailing=MailingList("a b", "x", URLS.unsubscribe))


def test_empty_subject_is_called_so() -> None:
    assert letter(subject="\x00").subject == "(no subject)"


def test_addresses_carry_tokens_for_one_purpose() -> None:
    made = {
        Purpose.REPLY: reply_address(KEYS, "r.example", 7),
        Purpose.BOUNCE: bounce_address(KEYS, "r.example", 7),
        Purpose.UNSUBSCRIBE: unsubscribe_address(KEYS, "r.example", 7),
    }
    for purpose, address in made.items():
        local, _, domain = address.partition("@")
        assert domain == "r.example"
        assert verify_address(KEYS, purpose, local.partition("+")[2]) == 7


def test_rendered_letter_travels_whole() -> None:
    mail = rendered("Olá {{ lead.first_name }}")
    message = parsed(compose(mail, envelope()))
    assert _content(message, "html") == mail.html.strip()
    assert _content(message, "plain") == mail.text.strip()


def _content(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").strip()
