"""The mail that mailers are given."""

from dataclasses import FrozenInstanceError

import pytest

from nurture.domain.letter import Letter, Mailbox


def test_a_letter_stays_as_it_was_written() -> None:
    letter = Letter(
        mid="m1",
        sender=Mailbox("news@example.com", "Example"),
        recipient=Mailbox("ana@example.com"),
        subject="Hello",
        text="Hello",
        html="<p>Hello</p>",
        message_id="m1@example.com",
        date="Mon, 02 Mar 2026 10:00:00 +0000",
    )

    with pytest.raises(FrozenInstanceError):
        letter.recipient = Mailbox("bob@example.com")  # type: ignore[misc]
    assert (letter.reply_to, letter.envelope_sender, letter.headers) == ("", "", ())
