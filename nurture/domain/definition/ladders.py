"""The two ladders as they are written: how a lead moves through lifecycle and stage."""

from typing import Annotated, Generic, TypeVar

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from nurture.domain.conditions.tree import Condition, MessageTest, Part, as_tuple, one_or_many
from nurture.domain.definition.listing import refuse_repeats
from nurture.domain.definition.scoring import ExactDuration
from nurture.domain.definition.steps import Key
from nurture.domain.timing.durations import Duration
from nurture.domain.values import Lifecycle, Stage

Rung = TypeVar("Rung", Lifecycle, Stage)


class LadderRule(Part, Generic[Rung]):
    """Moves whoever stands on one of `from` to `to` when the condition holds, and not before `dwell` is over.

    Events count from the moment the lead came to the rung on which it stands.
    """

    key: Key
    name: str = Field(default="", max_length=200)
    from_: Annotated[
        tuple[Rung, ...],
        BeforeValidator(as_tuple),
        PlainSerializer(one_or_many),
        Field(alias="from", min_length=1),
    ]
    to: Rung
    when: Condition
    dwell: ExactDuration | None = None

    @property
    def title(self) -> str:
        """The rule as people read it."""
        return self.name or self.key

    @field_validator("when")
    @classmethod
    def _outside_campaigns(cls, when: Condition) -> Condition:
        if isinstance(when, MessageTest):
            raise ValueError("a ladder knows no campaign's messages; ask for an event such as email_clicked")
        return when

    @model_validator(mode="after")
    def _leads_elsewhere(self) -> "LadderRule[Rung]":
        if self.to in self.from_:
            raise ValueError(f'the rule "{self.key}" leads from "{self.to}" to itself')
        return self


class Ladder(Part, Generic[Rung]):
    """Rules in the order in which they are tried."""

    rules: tuple[LadderRule[Rung], ...] = ()

    @model_validator(mode="after")
    def _keys_are_unique(self) -> "Ladder[Rung]":
        refuse_repeats("rule", (rule.key for rule in self.rules))
        return self


Allowed = Annotated[
    tuple[Stage, ...],
    BeforeValidator(as_tuple),
    PlainSerializer(lambda stages: [str(stage) for stage in stages]),
]

EVERY_STAGE = tuple(Stage)


class Ladders(Part):
    """lifecycle.yaml.

    `pin` is how long a person's move holds against the rules, `on_lifecycle` the stage that a lead takes when
    its lifecycle changes, `pairs` the stages that go with each lifecycle: the first is what a lead gets whose
    stage does not go with it any more.
    """

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)] = 1
    pin: ExactDuration = Duration(days=30)
    lifecycle: Ladder[Lifecycle] = Ladder[Lifecycle]()
    stage: Ladder[Stage] = Ladder[Stage]()
    on_lifecycle: dict[Lifecycle, Stage] = Field(default_factory=dict)
    pairs: dict[Lifecycle, Annotated[Allowed, Field(min_length=1)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _pairs_agree(self) -> "Ladders":
        for lifecycle, stage in self.on_lifecycle.items():
            if stage not in self.allowed(lifecycle):
                raise ValueError(
                    f'on_lifecycle gives "{lifecycle}" the stage "{stage}", which pairs does not allow it'
                )
        return self

    def allowed(self, lifecycle: Lifecycle) -> tuple[Stage, ...]:
        """The stages that go with `lifecycle`; all of them where nothing is said."""
        return self.pairs.get(lifecycle, EVERY_STAGE)
