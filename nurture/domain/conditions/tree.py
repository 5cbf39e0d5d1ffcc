"""The condition tree as it is written in files and forms."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    model_validator,
)

from nurture.domain.events import known_kind
from nurture.domain.timing.durations import DurationField
from nurture.domain.values import Grade, Lifecycle, Stage

Operand = str | int | float | bool | tuple[str | int | float | bool, ...] | None


class Part(BaseModel):
    """Base of everything that is read from a file: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Operator(StrEnum):
    """How a field is compared. All but `unknown` are false on a value that is not known."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    CONTAINS = "contains"
    GTE = "gte"
    LTE = "lte"
    BEFORE = "before"
    AFTER = "after"
    KNOWN = "known"
    UNKNOWN = "unknown"


def as_tuple(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def one_or_many(value: tuple[str, ...]) -> object:
    return str(value[0]) if len(value) == 1 else [str(item) for item in value]


Lifecycles = Annotated[tuple[Lifecycle, ...], BeforeValidator(as_tuple), PlainSerializer(one_or_many)]
Stages = Annotated[tuple[Stage, ...], BeforeValidator(as_tuple), PlainSerializer(one_or_many)]
Details = dict[str, Annotated[tuple[str, ...], BeforeValidator(as_tuple), PlainSerializer(one_or_many)]]
"""Wanted details of an event: a text, or a list of which any will do."""
EventName = Annotated[str, BeforeValidator(known_kind)]


class All(Part):
    """True when every part is; an empty list is true."""

    all: tuple["Condition", ...]


class Any_(Part):
    """True when at least one part is; an empty list is false."""

    any: tuple["Condition", ...]


class None_(Part):
    """True when no part is; an empty list is true."""

    none: tuple["Condition", ...]


class FieldTest(Part):
    """A lead's (`lead.language`), its company's (`company.industry`) or a custom (`custom.role`) field.

    `lead.` may be left out; `industry` and `company_size` are short for the company's. Custom names are
    unique over leads and companies; organisation.yaml says whose a field is and of which type.
    """

    field: str
    op: Operator = Operator.IS
    value: Operand = None

    @model_validator(mode="after")
    def _value_fits_operator(self) -> "FieldTest":
        needs_none = self.op in (Operator.KNOWN, Operator.UNKNOWN)
        if needs_none != (self.value is None):
            raise ValueError(f'operator "{self.op}" {"takes no" if needs_none else "needs a"} value')
        if (self.op is Operator.IN) != isinstance(self.value, tuple):
            raise ValueError(
                f'operator "{self.op}" {"needs a list" if self.op is Operator.IN else "takes one value"}'
            )
        return self


class EventTest(Part):
    """At least `count` events of a kind that count as evidence.

    Inside a campaign they count from the enrollment's, or the wait's, start, in a ladder's rule from
    the moment the lead came to its rung, unless `within` (back from now; days are counted in UTC) or `ever`
    says otherwise; in segments and elsewhere the default is `ever`.
    `where` names details that the event must have, all of them, compared as text.
    """

    event: EventName
    count: int = Field(default=1, ge=1)
    within: DurationField | None = None
    ever: bool = False
    where: Details = Field(default_factory=dict)


class MessageTest(Part):
    """What a person did with the message of a step of this campaign (any step where none is named)."""

    message: Literal["opened", "clicked", "replied"]
    step: str | None = None


class Bounds(Part):
    """Limits on a number; both may be given."""

    gte: float | None = None
    lt: float | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> "Bounds":
        if self.gte is None and self.lt is None:
            raise ValueError("give gte, lt or both")
        return self


class EngagementTest(Part):
    """The decayed engagement now; a lead without entries has 0."""

    engagement: Bounds


class AtLeast(Part):
    """A grade or better."""

    at_least: Grade


class FitTest(Part):
    """The fit grade; false while it is unknown."""

    fit: AtLeast


class LifecycleTest(Part):
    """The lifecycle is one of these."""

    lifecycle: Lifecycles


class StageTest(Part):
    """The stage is one of these."""

    stage: Stages


class TagTest(Part):
    """The lead carries this tag."""

    tag: str


class SegmentTest(Part):
    """The lead is in this segment, evaluated now."""

    segment: str


class InCampaignTest(Part):
    """The lead is passing through this campaign now (active or paused)."""

    in_campaign: str


class Held(Part):
    """Exactly one thing that a lead can be, for `has_been`."""

    lifecycle: Lifecycle | None = None
    stage: Stage | None = None
    tag: str | None = None
    segment: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Held":
        if sum(value is not None for value in (self.lifecycle, self.stage, self.tag, self.segment)) != 1:
            raise ValueError("name exactly one of lifecycle, stage, tag, segment")
        return self


class HasBeenTest(Part):
    """The lead is this now, and has been without a break for at least that long (days in UTC)."""

    has_been: Held
    for_: DurationField = Field(alias="for")


_KEYS = {
    "all": All,
    "any": Any_,
    "none": None_,
    "field": FieldTest,
    "event": EventTest,
    "message": MessageTest,
    "engagement": EngagementTest,
    "fit": FitTest,
    "lifecycle": LifecycleTest,
    "stage": StageTest,
    "tag": TagTest,
    "segment": SegmentTest,
    "in_campaign": InCampaignTest,
    "has_been": HasBeenTest,
}


def key_in(kinds: Mapping[str, type[Part]]) -> Callable[[Any], str | None]:
    """A discriminator: which of the keys says what a value is; `None` lets pydantic say which there are."""

    def key_of(value: Any) -> str | None:
        if isinstance(value, Part):
            return next((key for key, model in kinds.items() if type(value) is model), None)
        return next((key for key in kinds if isinstance(value, dict) and key in value), None)

    return key_of


Condition = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[None_, Tag("none")]
    | Annotated[FieldTest, Tag("field")]
    | Annotated[EventTest, Tag("event")]
    | Annotated[MessageTest, Tag("message")]
    | Annotated[EngagementTest, Tag("engagement")]
    | Annotated[FitTest, Tag("fit")]
    | Annotated[LifecycleTest, Tag("lifecycle")]
    | Annotated[StageTest, Tag("stage")]
    | Annotated[TagTest, Tag("tag")]
    | Annotated[SegmentTest, Tag("segment")]
    | Annotated[InCampaignTest, Tag("in_campaign")]
    | Annotated[HasBeenTest, Tag("has_been")],
    Discriminator(
        key_in(_KEYS),
        custom_error_type="condition",
        custom_error_message="not a condition: use one of the keys " + ", ".join(_KEYS),
    ),
]
"""Any condition."""

for _model in (All, Any_, None_):
    _model.model_rebuild()
