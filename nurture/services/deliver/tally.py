"""What one call of deliver did, in numbers."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from nurture.domain.sending import MessageState
from nurture.store.messages import Outcome


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many messages were sent, and what became of the others that were looked at."""

    sent: int = 0
    failed: int = 0
    later: int = 0
    suppressed: int = 0
    cancelled: int = 0
    unconfirmed: int = 0


@dataclass(slots=True)
class Tally:
    """Counts outcomes as they are recorded."""

    _counts: Counter[str] = field(default_factory=Counter)

    def count(self, outcomes: Iterable[Outcome], recorded: Collection[int]) -> None:
        """Add those outcomes that were recorded."""
        for outcome in outcomes:
            if outcome.message_id in recorded:
                pending = outcome.state is MessageState.PENDING
                self._counts["later" if pending else outcome.state.value] += 1

    def total(self) -> Delivered:
        """The sums."""
        return Delivered(**{name: self._counts[name] for name in Delivered.__dataclass_fields__})
