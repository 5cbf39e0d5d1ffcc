"""A letter as the bytes that travel: headers that are ours alone, text and HTML in quoted-printable.

The standard library's EmailMessage does the same some thirty times slower and, on interpreters that are in
use, lets encoded line breaks through; the tests compare this against it.
"""

import binascii
import re

from nurture.domain.errors import HeaderError
from nurture.domain.letter import Letter
from nurture.mail import headers

_RESERVED = frozenset(
    {
        "bcc",
        "cc",
        "date",
        "dkim-signature",
        "from",
        "message-id",
        "mime-version",
        "received",
        "reply-to",
        "return-path",
        "sender",
        "subject",
        "to",
    }
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_MESSAGE_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]+@[\x21-\x3b\x3d\x3f-\x7e]+")
_MID = re.compile(r"[A-Za-z0-9._-]{1,60}")
_LINE_ENDS = re.compile("\r\n|\r|\n")


def build(letter: Letter, *, utf8_offered: bool = False) -> bytes:
    """The whole message with CRLF line ends, not yet signed nor dot-stuffed.

    The header fields are exactly those of the letter, whatever its values hold.

    Raises:
        HeaderError: a value would break a header field.
        MessageRefused: we cannot write to such an address, or only with SMTPUTF8.
    """
    fields = _fields(letter, utf8_offered)
    for name, line in fields:
        headers.refuse_line(name, line)
    # Quoted-printable never leaves "=_" in a body, so no part can hold the boundary.
    boundary = f"=_{letter.mid}"
    top = [line for _, line in fields]
    top += ["MIME-Version: 1.0", f'Content-Type: multipart/alternative; boundary="{boundary}"', "", ""]
    return b"".join(
        (
            "\r\n".join(top).encode(),
            _part(boundary, "text/plain", letter.text),
            _part(boundary, "text/html", letter.html),
            f"--{boundary}--\r\n".encode(),
        )
    )


def _fields(letter: Letter, utf8_offered: bool) -> list[tuple[str, str]]:
    if not _MESSAGE_ID.fullmatch(letter.message_id) or not _MID.fullmatch(letter.mid):
        raise HeaderError(
            f'"{letter.message_id[:80]}" is no Message-ID, or "{letter.mid[:80]}" no name of ours.'
        )
    fields = [
        ("Date", headers.text("Date", letter.date)),
        ("From", headers.mailbox("From", letter.sender, utf8_offered=utf8_offered)),
        ("To", headers.mailbox("To", letter.recipient, utf8_offered=utf8_offered)),
        ("Subject", headers.text("Subject", letter.subject)),
        ("Message-ID", f"Message-ID: <{letter.message_id}>"),
    ]
    if letter.reply_to:
        reply_to = headers.address(letter.reply_to, utf8_offered=utf8_offered)
        fields.append(("Reply-To", f"Reply-To: {reply_to}"))
    return fields + [(name, _extra(name, value)) for name, value in letter.headers]


def _extra(name: str, value: str) -> str:
    folded = name.lower()
    if not _NAME.fullmatch(name) or folded in _RESERVED or folded.startswith("content-"):
        raise HeaderError(f'"{name[:80]}" may not be given as a further header.')
    return headers.labelled(name, value) if folded == "list-id" else headers.text(name, value)


def _part(boundary: str, kind: str, body: str) -> bytes:
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: {kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + quoted_printable(body) + b"\r\n"


def quoted_printable(body: str) -> bytes:
    """A text in lines of at most 76 characters, with CRLF line ends throughout.

    Source: RFC 2045, 6.7.
    """
    lines = _LINE_ENDS.sub("\r\n", body) if "\r" in body else body.replace("\n", "\r\n")
    # The encoder copies its line ends from the first that it sees, so there always is one.
    return binascii.b2a_qp(f"{lines}\r\n".encode("utf-8", "replace"), istext=True)[:-2]
