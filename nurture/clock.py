"""Where the time comes from: the machine, or a value that a test or the demo moves by hand."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Business time. A use case reads it once and passes the instant down."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved: for tests, the what-if and the demo."""

    def __init__(self, start: datetime) -> None:
        self._now = _in_utc(start)

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        """Moves the clock to `instant`, forwards or backwards."""
        self._now = _in_utc(instant)

    def advance(self, by: timedelta) -> datetime:
        """Moves the clock on and returns the new instant."""
        self._now += by
        return self._now


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} names no zone: give an aware instant, for example with tzinfo=UTC.")
    return instant.astimezone(UTC)
