"""A token bucket as plain arithmetic; its state lives in the database, shared by all who send."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `per_second` on average, and at most `burst` at once."""

    per_second: float
    burst: float

    @classmethod
    def of(cls, per_second: float) -> "Rate":
        """A rate whose burst is one second's worth, and never less than one."""
        return cls(per_second, max(1.0, per_second))


@dataclass(frozen=True, slots=True)
class Bucket:
    """The tokens that were left at an instant; a full one is where a rate begins."""

    tokens: float
    stamp: datetime


def take(bucket: Bucket, rate: Rate, wanted: int, now: datetime) -> tuple[int, Bucket]:
    """How many of `wanted` are granted at `now`, and what is left; a clock that went back fills nothing."""
    elapsed_seconds = max(0.0, (now - bucket.stamp).total_seconds())
    available = min(rate.burst, bucket.tokens + elapsed_seconds * rate.per_second)
    granted = max(0, min(wanted, floor(available)))
    return granted, Bucket(available - granted, max(now, bucket.stamp))


def wait_for_one(bucket: Bucket, rate: Rate) -> timedelta:
    """How long after its stamp the bucket holds a whole token."""
    missing = max(0.0, 1.0 - bucket.tokens)
    return timedelta(seconds=missing / rate.per_second)
