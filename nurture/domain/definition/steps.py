"""The steps of a campaign: seven kinds, told apart by the key that names what they do."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Tag, model_validator

from nurture.domain.conditions.tree import Condition, Part, as_tuple, key_in, one_or_many
from nurture.domain.definition.window import WindowField
from nurture.domain.timing.durations import DurationField
from nurture.domain.values import Lifecycle, Stage

Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9/_-]{0,126}$")]
MatchField = Literal["industry", "company_size", "stage", "language"]
Pick = Literal["newest", "next", "best_match"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Weekdays = Annotated[tuple[Weekday, ...], BeforeValidator(as_tuple), PlainSerializer(one_or_many)]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Sending(Part):
    """What a send step sends: one template, or the next piece of a stream, perhaps several times."""

    template: Slug | None = None
    stream: Slug | None = None
    pick: Pick | None = None
    match: tuple[MatchField, ...] = ()
    every: DurationField | None = None
    until: int | None = Field(default=None, ge=1, le=1000)
    identity: Slug | None = None

    @model_validator(mode="after")
    def _template_or_stream(self) -> "Sending":
        if (self.template is None) == (self.stream is None):
            raise ValueError("name either a template or a stream")
        if self.stream is None and (self.pick or self.match or self.every or self.until):
            raise ValueError("pick, match, every and until belong to a stream")
        if self.until is not None and self.until > 1 and self.every is None:
            raise ValueError('"until" needs "every": how long to wait between two pieces')
        return self


class LocalMoment(Part):
    """The next time that the lead's clock shows this: on a weekday of these, on a date, or on any day."""

    weekday: Weekdays = ()
    date: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    at: ClockTime = "09:00"

    @model_validator(mode="after")
    def _date_exists(self) -> "LocalMoment":
        if self.date is not None and not _is_a_day(self.date):
            raise ValueError(f'"{self.date}" is no day of the calendar. Write one such as 2027-03-31.')
        if self.date is not None and self.weekday:
            raise ValueError('give either "weekday" or "date"')
        return self


def _is_a_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


class Waiting(Part):
    """How long a wait lasts: a length of time or a moment, ended early where `or_until` comes true."""

    for_: DurationField | None = Field(default=None, alias="for")
    until: LocalMoment | None = None
    or_until: Condition | None = None

    @model_validator(mode="after")
    def _for_or_until(self) -> "Waiting":
        if (self.for_ is None) == (self.until is None):
            raise ValueError('give either "for" or "until"')
        return self


SETTABLE = frozenset({"language", "zone", "country"})
"""The lead's own fields that a campaign may set; its names and address are the lead's business."""


class Updating(Part):
    """What an update step changes on the lead.

    `set` takes `stage`, `lifecycle`, custom fields (`custom.<name>`) and the fields in `SETTABLE`.
    """

    tags: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    set: dict[str, str] = Field(default_factory=dict)
    points: float | None = None

    @model_validator(mode="after")
    def _ladders_are_known(self) -> "Updating":
        Stage(self.set.get("stage", Stage.AWARENESS))
        Lifecycle(self.set.get("lifecycle", Lifecycle.LEAD))
        return self


class Notifying(Part):
    """Whom to tell: the lead's owner, or a user by address; a task is made, due after `due`."""

    owner: bool = False
    user: str | None = None
    due: DurationField | None = None
    reason: str = ""

    @model_validator(mode="after")
    def _somebody(self) -> "Notifying":
        if self.owner == (self.user is not None):
            raise ValueError('say whom: either "owner: true" or "user: somebody@…"')
        return self


class Ending(Part):
    """How a passage ends here."""

    reason: str = "done"


class Step(Part):
    """Base of all steps; `key` is unique in the whole tree, `name` is for people."""

    key: Key
    name: str | None = None


class SendStep(Step):
    """Queue one message; `window` overrides the campaign's (`any` means at any hour)."""

    send: Sending
    window: WindowField | Literal["any"] | None = None


class WaitStep(Step):
    """Wait, possibly ended early."""

    wait: Waiting


class Arm(Part):
    """One arm of a branch: the first whose `when` is true is taken, else the one marked `otherwise`."""

    key: Key
    name: str | None = None
    when: Condition | None = None
    otherwise: bool = False
    steps: tuple["AnyStep", ...] = ()

    @model_validator(mode="after")
    def _when_or_otherwise(self) -> "Arm":
        if (self.when is None) != self.otherwise:
            raise ValueError('give either "when" or "otherwise: true"')
        return self


class BranchStep(Step):
    """Go one of several ways by what is true now; with no arm that fits, go on behind the branch."""

    branch: tuple[Arm, ...] = Field(min_length=1)


class Share(Part):
    """One arm of a split with its weight."""

    key: Key
    name: str | None = None
    weight: int = Field(ge=0, le=1_000_000)
    steps: tuple["AnyStep", ...] = ()


class SplitStep(Step):
    """Go one of several ways by a hash of the lead and the step: the same on every run."""

    split: tuple[Share, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _some_weight(self) -> "SplitStep":
        if not sum(share.weight for share in self.split):
            raise ValueError("at least one arm needs a weight above 0")
        return self


class UpdateStep(Step):
    """Change the lead: tags, fields, stage, lifecycle, points."""

    update: Updating


class NotifyStep(Step):
    """Tell a person."""

    notify: Notifying


class ExitStep(Step):
    """End the passage."""

    exit: Ending


_KEYS = {
    "send": SendStep,
    "wait": WaitStep,
    "branch": BranchStep,
    "split": SplitStep,
    "update": UpdateStep,
    "notify": NotifyStep,
    "exit": ExitStep,
}


AnyStep = Annotated[
    Annotated[SendStep, Tag("send")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[BranchStep, Tag("branch")]
    | Annotated[SplitStep, Tag("split")]
    | Annotated[UpdateStep, Tag("update")]
    | Annotated[NotifyStep, Tag("notify")]
    | Annotated[ExitStep, Tag("exit")],
    Discriminator(
        key_in(_KEYS),
        custom_error_type="step",
        custom_error_message="not a step: use one of the keys " + ", ".join(_KEYS),
    ),
]
"""Any step."""

for _model in (Arm, BranchStep, Share, SplitStep):
    _model.model_rebuild()
