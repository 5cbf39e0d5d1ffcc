"""A letter on the wire: equal to the standard library's once decoded, and with no header but ours."""

import quopri
import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import HeaderError, MessageRefused
from nurture.domain.letter import Letter, Mailbox
from nurture.mail.mime import build, quoted_printable
from tests.mail.letters import LETTER, letter

NAMES = [
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "Reply-To",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Feedback-ID",
    "MIME-Version",
    "Content-Type",
]
CONTROLS = "".join(chr(n) for n in (*range(32), *range(127, 160), 0x2028, 0x2029))
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS), max_size=300)
BODY = st.text(st.characters(exclude_categories=["Cs"]), max_size=2000)


def reference(of: Letter) -> EmailMessage:
    """The same letter, made by the standard library."""
    message = EmailMessage(policy=policy.SMTP.clone(max_line_length=998))
    message["Date"] = of.date
    message["From"] = Address(of.sender.name, addr_spec=of.sender.address)
    message["To"] = Address(of.recipient.name, addr_spec=of.recipient.address)
    message["Message-ID"] = f"<{of.message_id}>"
    message["Reply-To"] = of.reply_to
    for name, value in of.headers:
        message[name] = value
    message.set_content(of.text, cte="quoted-printable")
    message.add_alternative(of.html, subtype="html", cte="quoted-printable")
    return message


def mailbox(value: str) -> tuple[str, str]:
    """Name and address; the newer parser of 3.11 puts a blank between two encoded words of a name."""
    name, address = parseaddr(value.replace("\r\n", ""))
    return str(make_header(decode_header(name))), address


def decoded(message: bytes) -> dict[str, object]:
    """What a reader sees of a message."""
    parsed = message_from_bytes(message, policy=policy.default)
    text, html = (part.get_payload(decode=True).decode() for part in parsed.iter_parts())
    old_style = message_from_bytes(message)
    return {
        "names": sorted(name.lower() for name in old_style),
        "subject": str(make_header(decode_header(old_style["Subject"] or ""))),
        "from": mailbox(old_style["From"]),
        "to": mailbox(old_style["To"]),
        "reply-to": parsed["Reply-To"],
        "date": parsed["Date"],
        "message-id": parsed["Message-ID"],
        "headers": [parsed[name] for name, _ in LETTER.headers],
        "types": [part.get_content_type() for part in parsed.iter_parts()],
        "text": re.sub("\r\n|\r|\n", "\n", text).rstrip("\n"),
        "html": re.sub("\r\n|\r|\n", "\n", html).rstrip("\n"),
    }


@given(text=BODY, html=BODY, name=WORDS)
def test_once_decoded_it_equals_what_the_standard_library_makes(text: str, html: str, name: str) -> None:
    one = letter(text=text, html=html, recipient=Mailbox("ana@example.org", " ".join(name.split())))
    theirs = reference(one)
    theirs["Subject"] = one.subject

    assert decoded(build(one)) == decoded(theirs.as_bytes())


@given(subject=WORDS, name=WORDS)
def test_subject_and_names_arrive_as_they_were_typed(subject: str, name: str) -> None:
    message = build(letter(subject=subject, sender=Mailbox("clara@example.com", name)))

    head = message.partition(b"\r\n\r\n")[0]
    fields = re.sub(rb"\r\n ", b" ", head).decode().split("\r\n")
    assert [field.partition(":")[0] for field in fields] == NAMES
    assert str(make_header(decode_header(fields[3].partition(": ")[2]))).strip() == subject.strip()
    written, _, address = (
        fields[1].removeprefix("From: ").rpartition(" ") if name else ("", "", fields[1][6:])
    )
    assert address.strip("<>") == "clara@example.com"
    if written.startswith('"'):
        assert re.sub(r"\\(.)", r"\1", written[1:-1]) == name
    else:
        assert str(make_header(decode_header(written))).strip() == name.strip()


@given(st.text(max_size=400), st.text(max_size=400), BODY)
def test_whatever_a_value_holds_the_header_fields_are_ours_or_it_is_refused(
    subject: str, name: str, body: str
) -> None:
    hostile = letter(subject=subject, recipient=Mailbox("ana@example.org", name), text=body, html=body)
    try:
        message = build(hostile)
    except HeaderError:
        return
    assert message_from_bytes(message).keys() == NAMES
    assert all(
        len(line) <= 998 and b"\r" not in line and b"\n" not in line for line in message.split(b"\r\n")
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "A =?UTF-8?Q?=0A?=Bcc: evil@z.example",
        "=?utf-8?q?Hi=0D=0ABcc:_v@x?=",
        '"; <evil@z.example>, "x',
        "Ana <evil@z.example>, other",
        "a\\",
        "{{ 7*7 }}",
        "\u202eevil",
    ],
)
def test_hostile_names_and_subjects_add_no_header_and_no_recipient(hostile: str) -> None:
    message = build(letter(subject=hostile, recipient=Mailbox("ana@example.org", hostile)))

    assert message_from_bytes(message).keys() == NAMES
    parsed = message_from_bytes(message, policy=policy.default)
    assert [a.addr_spec for a in parsed["To"].addresses] == ["ana@example.org"]


@pytest.mark.parametrize(
    "control", ["\n", "\r", "\r\nBcc: x@y.example", "\x00", "\x0b", "\x85", "\u2028", "tail\n"]
)
@pytest.mark.parametrize("field", ["subject", "name", "extra", "date"])
def test_control_characters_in_any_header_are_refused(control: str, field: str) -> None:
    value = f"Hello{control}"
    changed = {
        "subject": letter(subject=value),
        "name": letter(sender=Mailbox("clara@example.com", value)),
        "extra": letter(headers=(("X-Campaign", value),)),
        "date": letter(date=value),
    }[field]

    with pytest.raises(HeaderError):
        build(changed)


@pytest.mark.parametrize(
    "name", ["Bcc", "to", "Content-Type", "DKIM-Signature", "X Y", "X:Y", "X\r\nBcc", ""]
)
def test_a_further_header_cannot_take_the_place_of_ours(name: str) -> None:
    with pytest.raises(HeaderError):
        build(letter(headers=((name, "value"),)))


def test_a_long_unsubscribe_header_is_never_encoded() -> None:
    link = "<https://nurture.example.com/u/" + "x" * 700 + ">"

    message = build(letter(headers=(("List-Unsubscribe", f"{link}, {link}"),)))

    assert f"List-Unsubscribe: {link},\r\n {link}\r\n".encode() in message


def test_a_header_that_must_not_be_encoded_refuses_letters_that_would_need_it() -> None:
    with pytest.raises(HeaderError, match="must be ASCII"):
        build(letter(headers=(("List-Unsubscribe", "<https://bücher.example/u>"),)))


def test_international_domains_travel_as_a_labels() -> None:
    message = build(letter(recipient=Mailbox("ana@bücher.example", "Ana")))

    assert b"To: Ana <ana@xn--bcher-kva.example>\r\n" in message


def test_a_local_part_outside_ascii_needs_a_server_that_offers_it() -> None:
    to_juergen = letter(recipient=Mailbox("jürgen@example.org"))

    with pytest.raises(MessageRefused, match="SMTPUTF8"):
        build(to_juergen)
    assert "To: jürgen@example.org\r\n".encode() in build(to_juergen, utf8_offered=True)


@pytest.mark.parametrize(
    "address",
    [
        "ana",
        "@example.org",
        "ana@",
        "a b@example.org",
        "ana@ex ample.org",
        "a>b@example.org",
        "a..b@x.org",
        "ana@example.org\r\nBcc: x@y.org",
        "ana@-x.org",
        "<ana@example.org>",
        "a" * 65 + "@example.org",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(MessageRefused, match="not an address"):
        build(letter(recipient=Mailbox(address)))


@pytest.mark.parametrize(
    ("message_id", "mid"), [("no-domain", "m1"), ("a@b>\r\nBcc: x", "m1"), ("a@b.example", "m\r\n")]
)
def test_a_broken_message_id_is_refused(message_id: str, mid: str) -> None:
    with pytest.raises(HeaderError, match="Message-ID"):
        build(letter(message_id=message_id, mid=mid))


def test_no_body_line_is_longer_than_76_characters_nor_ends_in_a_blank() -> None:
    message = build(letter(html="<p>" + "wörter und mehr " * 500 + "</p> \nFrom here \t\n.\n"))

    body = message.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert all(len(line) <= 76 and not line.endswith((b" ", b"\t")) for line in body)


PARTS = st.sampled_from(
    ["x", "é", "=", "x=", " ", "\t", "\n", "\r\n", "\r", ".", "word " * 9, "a long piece " * 20, '"', "<p>"]
)


@given(st.lists(st.lists(PARTS, max_size=20).map("".join), min_size=1, max_size=8))
def test_pieces_are_encoded_within_their_lines_and_decode_to_the_whole(pieces: list[str]) -> None:
    encoded = quoted_printable(*pieces)

    assert all(len(line) <= 76 and not line.endswith((b" ", b"\t")) for line in encoded.split(b"\r\n"))
    assert encoded.count(b"\r") == encoded.count(b"\n") == encoded.count(b"\r\n")
    assert quopri.decodestring(encoded).decode() == re.sub("\r\n|\r|\n", "\r\n", "".join(pieces))


@pytest.mark.parametrize("length", range(60, 90))
@pytest.mark.parametrize("fill", ["x", "=", "é", "x=", "xé"])
def test_a_piece_of_any_length_may_be_followed_by_another(fill: str, length: int) -> None:
    pieces = ((fill * 100)[:length], "y" * length, "<")

    encoded = quoted_printable(*pieces)

    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    assert quopri.decodestring(encoded).decode() == "".join(pieces)


def test_a_letter_in_pieces_is_the_letter() -> None:
    pieces = ("<p>Hello ", "Ána", ",\r", "\nfour numbers " + "and more " * 50, "</p>\n")

    assert decoded(build(letter(html="", html_parts=pieces))) == decoded(build(letter(html="".join(pieces))))
