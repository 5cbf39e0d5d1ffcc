"""Lengths of time as they are written in files: ISO 8601, exact below a day, calendar time from a day on."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from nurture.domain.errors import InputError

_PATTERN = re.compile(
    r"P(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: `months` and `days` are calendar time in somebody's zone, `seconds` are exact.

    Source: ISO 8601-1:2019, 5.5.2 (durations), without fractions.
    """

    months: int = 0
    days: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read `P30D`, `P2W`, `P1M`, `PT4H` …

        Raises:
            InputError: when `text` is something else or no time at all.
        """
        match = _PATTERN.fullmatch(text.strip())
        parts = {name: int(value) for name, value in (match.groupdict() if match else {}).items() if value}
        if not parts:
            raise InputError(
                f'"{text}" is not a length of time. '
                "Write ISO 8601: P30D for 30 days, P1M for a month, PT4H for 4 hours."
            )
        return cls(
            months=parts.get("years", 0) * 12 + parts.get("months", 0),
            days=parts.get("weeks", 0) * 7 + parts.get("days", 0),
            seconds=parts.get("hours", 0) * 3600 + parts.get("minutes", 0) * 60 + parts.get("seconds", 0),
        )

    def __str__(self) -> str:
        """The shortest ISO 8601 spelling; `parse` reads it back to an equal value."""
        years, months = divmod(self.months, 12)
        hours, rest = divmod(self.seconds, 3600)
        minutes, seconds = divmod(rest, 60)
        date = _spell((years, "Y"), (months, "M"), (self.days, "D"))
        time = _spell((hours, "H"), (minutes, "M"), (seconds, "S"))
        return f"P{date}" + (f"T{time}" if time else "") if date or time else "PT0S"


def _spell(*parts: tuple[int, str]) -> str:
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _read(value: object) -> Duration:
    return value if isinstance(value, Duration) else Duration.parse(str(value))


DurationField = Annotated[Duration, BeforeValidator(_read), PlainSerializer(str, return_type=str)]
"""A duration in a file: text outside, `Duration` inside."""
