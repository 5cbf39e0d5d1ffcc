"""A letter as the bytes that travel: headers that are ours alone, text and HTML in quoted-printable.

The standard library's EmailMessage does the same some thirty times slower and, on interpreters that are in
use, lets encoded line breaks through; the tests compare this against it.
"""

import binascii
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NewType

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
_WORTH = 100
_QP_LINE = 76
_SOFT_BREAK = b"=\r\n"
_LINE_ENDS = re.compile("\r\n|\r|\n")


Wire = NewType("Wire", bytes)
"""A message in which every line ends with CRLF, and no CR or LF stands anywhere else."""


def wire(content: bytes) -> Wire:
    """Any content with its lone CR and LF made CRLF, and one at its end.

    Source: RFC 5321, 2.3.8; a lone LF and a dot could otherwise end a message early.
    """
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return Wire(lines if lines.endswith(b"\r\n") else lines + b"\r\n")


def build(letter: Letter, *, utf8_offered: bool = False) -> Wire:
    """The whole message, not yet signed nor dot-stuffed.

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
    return Wire(
        b"".join(
            (
                "\r\n".join(top).encode(),
                _part(boundary, "text/plain", quoted_printable(letter.text)),
                _part(boundary, "text/html", quoted_printable(*(letter.html_parts or (letter.html,)))),
                f"--{boundary}--\r\n".encode(),
            )
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


def _part(boundary: str, kind: str, encoded: bytes) -> bytes:
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: {kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + encoded + b"\r\n"


def quoted_printable(*pieces: str) -> bytes:
    """A text, given whole or in pieces, in lines of at most 76 characters that end with CRLF.

    Mails of one template differ in little, so pieces that are long enough are encoded once and remembered.
    Source: RFC 2045, 6.7.
    """
    joined = _joined_line_ends(pieces)
    encoded = [_remembered(piece) if len(piece) > _WORTH else _encoded(piece) for piece in joined]
    return _SOFT_BREAK.join([*map(_breakable, encoded[:-1]), encoded[-1]])


def _joined_line_ends(pieces: Sequence[str]) -> Sequence[str]:
    """The pieces, made one where a CRLF is cut in two."""
    cut = any(left.endswith("\r") and right.startswith("\n") for left, right in pairwise(pieces))
    return ("".join(pieces),) if cut else pieces


def _encoded(piece: str) -> bytes:
    lines = _LINE_ENDS.sub("\r\n", piece) if "\r" in piece else piece.replace("\n", "\r\n")
    # The encoder copies its line ends from the first that it sees, so there always is one.
    encoded = binascii.b2a_qp(f"{lines}\r\n".encode("utf-8", "replace"), istext=True)[:-2]
    if len(encoded) <= _QP_LINE and not encoded.startswith(b".") and b"\n" not in encoded:
        return encoded
    return b"\r\n".join([_row(row) for row in encoded.split(b"\r\n")])


def _row(row: bytes) -> bytes:
    """A line within its length, and without a dot at its start where there is room for an escape."""
    if row.startswith(b".") and len(row) + 2 <= _QP_LINE:
        return b"=2E" + row[1:]
    # The encoder does not count in that a blank at the end of a line becomes three characters.
    return row if len(row) <= _QP_LINE else row[:-3] + _SOFT_BREAK + row[-3:]


_remembered = lru_cache(maxsize=1024)(_encoded)


def _breakable(encoded: bytes) -> bytes:
    """The same with room in its last line for the sign of a soft break."""
    if len(encoded) - encoded.rfind(b"\n") <= _QP_LINE:
        return encoded
    # An escape (=XX) must stay in one piece.
    cut = next(at for at in (-3, -4, -5) if b"=" not in encoded[at - 2 : at])
    return encoded[:cut] + _SOFT_BREAK + encoded[cut:]
