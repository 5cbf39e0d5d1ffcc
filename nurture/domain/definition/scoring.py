"""The score as it is written: what an event is worth, how fast it fades, and who fits."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from nurture.domain.conditions.tree import All, Any_, Condition, Details, EventName, FieldTest, None_, Part
from nurture.domain.definition.listing import refuse_repeats
from nurture.domain.definition.steps import Key
from nurture.domain.timing.durations import Duration, DurationField

LONGEST = timedelta(days=3660)


def exact(duration: Duration) -> timedelta:
    """The duration with days of exactly 24 hours.

    Raises:
        ValueError: for months and years, which have no exact length, and for lengths beyond ten years.
    """
    length = timedelta(days=duration.days, seconds=duration.seconds)
    if duration.months or not timedelta(0) < length <= LONGEST:
        raise ValueError(
            f'"{duration}" has no exact length. Write days, weeks or hours up to ten years: P30D, PT12H.'
        )
    return length


def _has_exact_length(duration: Duration) -> Duration:
    exact(duration)
    return duration


ExactDuration = Annotated[DurationField, AfterValidator(_has_exact_length)]
"""A length of time that does not depend on a calendar: a day has 24 hours."""


class Cap(Part):
    """At most so many points in each window; windows lie end to end from 1 January 1970, 0:00 UTC on."""

    points: float = Field(gt=0, allow_inf_nan=False)
    per: ExactDuration


class Group(Part):
    """Rules that share a cap."""

    cap: Cap


class EventMatch(Part):
    """The events that a rule is about: a kind, and details that they must have."""

    event: EventName
    where: Details = Field(default_factory=dict)


class ScoringRule(Part):
    """What one kind of event is worth.

    `once_per: message` counts the first event of each message only (events without one each count), `lead`
    the first of all. Caps cut what is above them; points below zero are never cut.
    """

    key: Key
    name: str = Field(default="", max_length=200)
    when: EventMatch
    points: float = Field(allow_inf_nan=False)
    group: Key | None = None
    cap: Cap | None = None
    once_per: Literal["message", "lead", "none"] = "message"

    @property
    def title(self) -> str:
        """The rule as people read it."""
        return self.name or self.key


Band = Literal["1", "2", "3"]


class Grades(Part):
    """The least points of each grade; whoever has fewer than C asks for is D."""

    A: float
    B: float
    C: float

    @model_validator(mode="after")
    def _fall(self) -> "Grades":
        if not self.A > self.B > self.C:
            raise ValueError("grades must fall: A above B above C")
        return self


class FitRule(Part):
    """What one thing that we know about a lead is worth."""

    key: Key
    name: str = Field(default="", max_length=200)
    when: Condition
    points: float = Field(allow_inf_nan=False)

    @property
    def title(self) -> str:
        """The rule as people read it."""
        return self.name or self.key

    @field_validator("when")
    @classmethod
    def _over_fields(cls, when: Condition) -> Condition:
        if not fields_of(when):
            raise ValueError("a fit rule is about at least one field")
        return when


def fields_of(condition: Condition) -> frozenset[str]:
    """The fields that a condition names.

    Raises:
        ValueError: when it asks for anything but fields, which fit knows nothing of.
    """
    match condition:
        case FieldTest():
            return frozenset({condition.field})
        case All():
            parts = condition.all
        case Any_():
            parts = condition.any
        case None_():
            parts = condition.none
        case _:
            raise ValueError(
                "a fit rule is about fields only; what a lead does belongs to the engagement rules"
            )
    return frozenset().union(*(fields_of(part) for part in parts))


class FitModel(Part):
    """Who fits: points for what is known about a lead, and the share of it that must be known for a grade."""

    min_coverage: float = Field(default=0.5, ge=0, le=1)
    grades: Grades
    rules: tuple[FitRule, ...] = ()

    @model_validator(mode="after")
    def _keys_are_unique(self) -> "FitModel":
        refuse_repeats("fit rule", (rule.key for rule in self.rules))
        return self


class Scoring(Part):
    """scoring.yaml."""

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)] = 1
    half_life: ExactDuration = Duration(days=30)
    bands: dict[Band, float]
    groups: dict[Key, Group] = Field(default_factory=dict)
    rules: tuple[ScoringRule, ...] = ()
    fit: FitModel

    @field_validator("bands", mode="before")
    @classmethod
    def _bands_by_name(cls, bands: object) -> object:
        return {str(name): least for name, least in bands.items()} if isinstance(bands, dict) else bands

    @model_validator(mode="after")
    def _hangs_together(self) -> "Scoring":
        refuse_repeats("rule", (rule.key for rule in self.rules))
        least = [self.bands.get(band) for band in ("1", "2", "3")]
        if None in least or not least[0] > least[1] > least[2] > 0:  # type: ignore[operator] # None is ruled out.
            raise ValueError("bands name the least engagement of 1, 2 and 3, falling and above 0")
        for rule in self.rules:
            if rule.group is not None and rule.group not in self.groups:
                raise ValueError(f'the rule "{rule.key}" is in the group "{rule.group}", which is not listed')
        return self

    @property
    def half_life_exact(self) -> timedelta:
        """The half-life of engagement."""
        return exact(self.half_life)

    @cached_property
    def rules_by_event(self) -> Mapping[str, tuple[ScoringRule, ...]]:
        """The engagement rules by the kind of event that they are about, in their order."""
        kinds = {rule.when.event for rule in self.rules}
        return {kind: tuple(rule for rule in self.rules if rule.when.event == kind) for kind in kinds}

    def rule(self, key: str) -> ScoringRule | None:
        """The engagement rule called `key`, if there is one."""
        return next((rule for rule in self.rules if rule.key == key), None)
