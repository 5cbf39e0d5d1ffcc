"""The organisation as it is written: who mails are from, what about, how often and how late."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nurture.domain.conditions.tree import Part
from nurture.domain.definition.listing import refuse_repeats
from nurture.domain.definition.steps import ClockTime, Slug
from nurture.domain.timing.durations import Duration, DurationField


class Identity(Part):
    """Whom a mail is from; the address by post stands at its foot."""

    slug: Slug
    name: str = Field(min_length=1, max_length=200)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)
    postal_address: str = Field(min_length=1, max_length=500)
    reply_to: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)


class Topic(Part):
    """Something that a lead may unsubscribe from by itself."""

    slug: Slug
    name: str = Field(min_length=1, max_length=200)
    description: str = ""


class Budget(Part):
    """At most `max` marketing messages to a lead within any `per`, over all campaigns."""

    max: int = Field(ge=1, le=1000)
    per: DurationField = Duration(days=7)


class QuietHours(Part):
    """Hours on the lead's clock in which no campaign mail leaves; may run over midnight."""

    from_: ClockTime = Field(alias="from")
    to: ClockTime

    @model_validator(mode="after")
    def _some_time(self) -> "QuietHours":
        if self.from_ == self.to:
            raise ValueError("quiet hours begin and end at the same time; leave them out if there are none")
        return self


class CustomField(Part):
    """A field of one's own, of leads or of companies; written `custom.<name>` in conditions."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    label: str = ""
    of: Literal["lead", "company"] = "lead"
    type: Literal["text", "number", "boolean", "date", "choice"] = "text"
    choices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _choices_belong_to_a_choice(self) -> "CustomField":
        if (self.type == "choice") != bool(self.choices):
            raise ValueError('a field of type "choice", and no other, lists its choices')
        return self


DEFAULT_IDENTITY = "default"


class Organisation(Part):
    """organisation.yaml: one per installation."""

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)] = 1
    name: str = Field(min_length=1, max_length=200)
    website: str = ""
    identities: tuple[Identity, ...] = ()
    topics: tuple[Topic, ...] = ()
    budget: Budget | None = None
    quiet_hours: QuietHours | None = None
    fields: tuple[CustomField, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Organisation":
        refuse_repeats("identity", (identity.slug for identity in self.identities))
        refuse_repeats("topic", (topic.slug for topic in self.topics))
        refuse_repeats("field", (field.name for field in self.fields))
        return self

    def identity(self, slug: str) -> Identity | None:
        """The identity called `slug`, if there is one."""
        return next((identity for identity in self.identities if identity.slug == slug), None)

    def topic(self, slug: str) -> Topic | None:
        """The topic called `slug`, if there is one."""
        return next((topic for topic in self.topics if topic.slug == slug), None)


UNNAMED = Organisation(name="Our organisation")
"""What counts until organisation.yaml has been applied: no identity, so no campaign can start."""
