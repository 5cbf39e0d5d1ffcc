"""Who a lead is, as frozen values that decisions are made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

Scalar = str | int | float | bool | None
"""What a custom field or an event's detail may hold."""

Points = NewType("Points", float)
"""Score points, before or after decay; may be negative."""


class Lifecycle(StrEnum):
    """Who the lead is to us."""

    SUSPECT = "suspect"
    LEAD = "lead"
    PROSPECT = "prospect"
    CUSTOMER = "customer"
    FORMER_CUSTOMER = "former_customer"
    DISQUALIFIED = "disqualified"


class Stage(StrEnum):
    """Where the lead stands in its buying journey."""

    AWARENESS = "awareness"
    INTEREST = "interest"
    DECISION = "decision"
    ACTION = "action"


class Grade(StrEnum):
    """Fit: how well the lead's attributes match; unknown when too little is known."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    UNKNOWN = "–"

    def at_least(self, other: "Grade") -> bool:
        """Whether this grade is as good as `other` or better; an unknown fit never is."""
        if Grade.UNKNOWN in (self, other):
            return False
        return self.value <= other.value


@dataclass(frozen=True, slots=True)
class Score:
    """Engagement as one pair: `value` points held at `as_of`, from where they halve every half-life.

    The pair is all that is needed because every entry decays alike.
    Source: Cormode, Shkapenyuk, Srivastava, Xu: Forward Decay (ICDE 2009).
    """

    value: float
    as_of: datetime

    def at(self, now: datetime, half_life: timedelta) -> Points:
        """The engagement at `now`, unclamped."""
        return Points(self.value * 2.0 ** (-((now - self.as_of) / half_life)))

    def heat(self, half_life: timedelta) -> float | None:
        """`log2 value + as_of / half-life`, `as_of` in seconds since 1970; `None` where the value is ≤ 0.

        It does not change as time passes, so it is what the database sorts by: engagement is at least T
        (> 0) at `now` where this is at least `Score(T, now).heat(half_life)`.
        """
        if self.value <= 0:
            return None
        return math.log2(self.value) + self.as_of.timestamp() / half_life.total_seconds()


@dataclass(frozen=True, slots=True)
class CompanyView:
    """A company as decisions see it; `size` is a number of people or a band such as `50-249`."""

    id: int
    name: str = ""
    domain: str = ""
    industry: str | None = None
    size: str | None = None
    country: str | None = None
    zone: str | None = None
    fields: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeadView:
    """A lead as decisions see it, complete and frozen.

    `tags` maps each tag to when it was added, `segments` each tracked segment to when the lead joined it;
    `refused_topics` are the topics it unsubscribed from; `conversation_since` is set while a person is
    talking to it, `paused_until` while it asked for a break. Until `*_pinned_until` a person's move holds
    against the rules of the ladder.
    """

    id: int
    address: str
    created_at: datetime
    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    zone: str | None = None
    country: str | None = None
    lifecycle: Lifecycle = Lifecycle.SUSPECT
    lifecycle_since: datetime | None = None
    lifecycle_pinned_until: datetime | None = None
    stage: Stage = Stage.AWARENESS
    stage_since: datetime | None = None
    stage_pinned_until: datetime | None = None
    fit: Grade = Grade.UNKNOWN
    score: Score | None = None
    mailable: bool = False
    refused_topics: frozenset[str] = frozenset()
    conversation_since: datetime | None = None
    paused_until: datetime | None = None
    less_often: bool = False
    owner_id: int | None = None
    source: str = ""
    tags: Mapping[str, datetime] = field(default_factory=dict)
    segments: Mapping[str, datetime] = field(default_factory=dict)
    campaigns: frozenset[str] = frozenset()
    company: CompanyView | None = None
    fields: Mapping[str, Scalar] = field(default_factory=dict)
