"""How delivery goes about its work, as values that tests and benchmarks change."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

Faults = Callable[[str], None]
"""Is told each point of the protocol as it is passed: a seam for tests that kill or freeze the process.

The points are `claimed`, `intent` (durable, the mailer not yet called), `calling`, `accepted` (not yet
recorded) and `recorded`.
"""


def no_faults(point: str) -> None:
    """Go on."""


def go_on() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Pace:
    """`turn` is how long one call takes on new work; `lease` how long a claim holds without an intent.

    `batch` messages are claimed and read at a time, `group` intents committed at most in one transaction,
    after `rest` without news. `senders` threads call the mailer.
    """

    turn: timedelta = timedelta(seconds=10)
    lease: timedelta = timedelta(seconds=60)
    batch: int = 200
    group: int = 50
    rest: timedelta = timedelta(milliseconds=5)
    senders: int = 20
    patience: timedelta = timedelta(seconds=60)
    stopping: Callable[[], bool] = go_on
