"""A campaign as it is written: who enters, what happens, when it ends."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from nurture.domain.conditions.tree import Condition, Details, EventName, EventTest, Part
from nurture.domain.definition.steps import AnyStep, BranchStep, Key, Slug, SplitStep
from nurture.domain.definition.window import WindowField
from nurture.domain.timing.durations import Duration, DurationField
from nurture.domain.values import Stage


class After(Part):
    """May enter again when that much time has gone by since the last passage ended."""

    after: DurationField


class Cron(Part):
    """Instants at which a schedule fires: five cron fields, read in `zone` (`lead` or an IANA name)."""

    cron: str = Field(pattern=r"^\S+ \S+ \S+ \S+ \S+$")
    zone: str = "lead"


class Audience(Part):
    """Whom a scheduled campaign is for: a segment or a condition."""

    segment: Slug | None = None
    when: Condition | None = None

    @model_validator(mode="after")
    def _one(self) -> "Audience":
        if (self.segment is None) == (self.when is None):
            raise ValueError('give either "segment" or "when"')
        return self


class Entry(Part):
    """How leads get in: when a condition comes true, by an event, on a schedule or by hand."""

    when: Condition | None = None
    event: EventName | None = None
    where: Details = Field(default_factory=dict)
    schedule: Cron | None = None
    audience: Audience | None = None
    manual: bool = False
    reentry: After | Literal["never", "always"] = "never"

    @model_validator(mode="after")
    def _exactly_one_way(self) -> "Entry":
        ways = (self.when is not None, self.event is not None, self.schedule is not None, self.manual)
        if sum(ways) != 1:
            raise ValueError("give exactly one of when, event, schedule, manual")
        if (self.schedule is None) != (self.audience is None):
            raise ValueError("schedule and audience belong together")
        if self.where and self.event is None:
            raise ValueError('"where" belongs to an event')
        return self


class Goal(Part):
    """What the campaign is for; reached when it comes true within the time stated, after entry."""

    event: EventName | None = None
    where: Details = Field(default_factory=dict)
    when: Condition | None = None
    within: DurationField = Duration(days=30)

    @model_validator(mode="after")
    def _one(self) -> "Goal":
        if (self.event is None) == (self.when is None):
            raise ValueError('give either "event" or "when"')
        return self

    @property
    def condition(self) -> Condition:
        """The goal as a condition."""
        return self.when or EventTest(event=str(self.event), where=self.where)


def _conditions(value: object) -> object:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, dict) else value


class CampaignDefinition(Part):
    """One immutable version of a campaign."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    slug: Slug
    name: str = Field(min_length=1, max_length=200)
    description: str = ""
    stage: Stage | None = None
    status: Literal["draft", "active"] = "draft"
    priority: int = Field(default=50, ge=0, le=100)
    topic: Slug | None = None
    identity: Slug = "default"
    entry: Entry
    exit: Annotated[tuple[Condition, ...], BeforeValidator(_conditions), PlainSerializer(list)] = ()
    stay: bool = False
    goal: Goal | None = None
    on_reply: Literal["pause", "continue"] = "pause"
    on_unconfirmed: Literal["hold", "resend_after_24h"] = "hold"
    holdout: int = Field(default=0, ge=0, le=100)
    zone: str | None = None
    window: WindowField | None = None
    steps: tuple[AnyStep, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _schema_is_a_number(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("schema") == "1":
            return {**value, "schema": 1}
        return value

    @model_validator(mode="after")
    def _keys_are_unique(self) -> "CampaignDefinition":
        seen: set[Key] = set()
        for key in keys(self.steps):
            if key in seen:
                raise ValueError(f'the key "{key}" is used twice; keys are unique in the whole campaign')
            seen.add(key)
        return self


def keys(steps: tuple[AnyStep, ...]) -> Iterator[Key]:
    """Every key in the tree, of steps and of arms, from top to bottom."""
    for step in steps:
        yield step.key
        for arm in arms(step):
            yield arm.key
            yield from keys(arm.steps)


def arms(step: AnyStep) -> tuple[Any, ...]:
    """The arms of a branch or split; none for other steps."""
    match step:
        case BranchStep():
            return step.branch
        case SplitStep():
            return step.split
        case _:
            return ()


def walk(steps: tuple[AnyStep, ...]) -> Iterator[AnyStep]:
    """Every step in the tree, from top to bottom."""
    for step in steps:
        yield step
        for arm in arms(step):
            yield from walk(arm.steps)
