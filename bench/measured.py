"""What a measurement says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """The median of so many rounds, the reference's, and the median of the rounds' ratios."""

    name: str
    value: float
    unit: str
    reference: float
    ratio: float
    rounds: int
