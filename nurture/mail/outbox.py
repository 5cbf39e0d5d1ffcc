"""The built-in outbox: mails are kept to be read in the app, and none leaves the house."""

from collections.abc import Callable

from nurture.domain.errors import HeaderError, MessageRefused, RefusedForNow
from nurture.domain.letter import Letter
from nurture.mail import mime
from nurture.mail.mailer import Receipt


class OutboxMailer:
    """Keeps each message through `keep`, which is given its bytes and keeps a repeated message once."""

    name = "outbox"

    def __init__(self, keep: Callable[[Letter, bytes], None]) -> None:
        self._keep = keep

    def send(self, letter: Letter) -> Receipt:
        """Keep one message (see `Mailer`)."""
        try:
            message = mime.build(letter, utf8_offered=True)
        except HeaderError as error:
            raise MessageRefused(str(error)) from error
        try:
            self._keep(letter, message)
        except Exception as error:
            # Keeping is repeatable, so even a commit of unknown outcome may be tried again.
            raise RefusedForNow(f"the outbox could not keep it: {error}") from error
        return Receipt(detail="kept in the outbox")

    def close(self) -> None:
        """Nothing is open."""
