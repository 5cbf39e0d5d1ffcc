"""The ledger of a lead's score, as frozen values."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

BY_HAND = "by-hand"
"""The rule of entries that no event caused: points given by a person or by a campaign's step."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a score: `net = raw - cut`, counted from `effective_at` on.

    `dedupe_key` says what counts once for the rule; `seq` numbers the entries of one (rule, dedupe_key).
    `id` is `None` until it is stored, `reverses` the id of the entry that this one takes back.
    """

    rule: str
    dedupe_key: str
    seq: int
    raw: float
    cut: float
    effective_at: datetime
    event_id: int | None = None
    reverses: int | None = None
    note: str = ""
    id: int | None = None

    @property
    def net(self) -> float:
        """What the entry adds to the score."""
        return self.raw - self.cut


def reversal(entry: Entry, seq: int) -> Entry:
    """The entry that takes a stored one back, so that both together are worth nothing at any time."""
    return replace(entry, seq=seq, raw=-entry.raw, cut=-entry.cut, reverses=entry.id, note="", id=None)


def standing(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries that count: neither taken back nor taking back."""
    known = tuple(entries)
    taken_back = {entry.reverses for entry in known if entry.reverses is not None}
    return tuple(entry for entry in known if entry.reverses is None and entry.id not in taken_back)
