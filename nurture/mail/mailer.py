"""What every transport promises."""

from dataclasses import dataclass
from typing import Protocol

from nurture.domain.letter import Letter


@dataclass(frozen=True, slots=True)
class Receipt:
    """The transport's word that it took the message; `provider_id` is its name for it."""

    provider_id: str = ""
    detail: str = ""


class Mailer(Protocol):
    """A transport. Both methods may be called from several threads at once.

    `name` keys its rate and its stop; it never retries by itself.
    """

    name: str

    def send(self, letter: Letter) -> Receipt:
        """Hand over one message and say that it was taken.

        Raises:
            MessageRefused: it will never be taken.
            AccountRefused: nothing will be taken until the operator acts.
            RefusedForNow: certainly not taken; may be tried again.
            OutcomeUnknown: nobody can tell whether it was taken.
        """
        ...

    def close(self) -> None:
        """Give connections back; the next `send` opens new ones."""
        ...
