"""Segments as they are written: saved conditions over leads."""

from typing import Annotated

from pydantic import Field, model_validator

from nurture.domain.conditions.tree import Condition, Part
from nurture.domain.definition.listing import refuse_repeats
from nurture.domain.definition.steps import Slug


class SegmentDefinition(Part):
    """A condition with a name; evaluated whenever it is asked for."""

    slug: Slug
    name: str = Field(min_length=1, max_length=200)
    description: str = ""
    when: Condition


class Segments(Part):
    """segments.yaml."""

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)] = 1
    segments: tuple[SegmentDefinition, ...] = ()

    @model_validator(mode="after")
    def _slugs_are_unique(self) -> "Segments":
        refuse_repeats("segment", (segment.slug for segment in self.segments))
        return self
