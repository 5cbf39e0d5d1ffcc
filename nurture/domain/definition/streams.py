"""Streams as they are written: ordered sets of pieces."""

from typing import Annotated

from pydantic import Field, model_validator

from nurture.domain.conditions.tree import Part
from nurture.domain.definition.listing import refuse_repeats
from nurture.domain.definition.steps import MatchField, Pick, Slug


class StreamDefinition(Part):
    """All templates of a folder of email_templates, by their order, or an explicit list of them.

    `pick` and `match` are what a send step falls back on: the newest piece, the next one, or the one whose
    front matter fits best by the fields of `match` in falling weight.
    """

    slug: Slug
    name: str = ""
    folder: Slug | None = None
    pieces: tuple[Slug, ...] = ()
    pick: Pick = "next"
    match: tuple[MatchField, ...] = ()

    @model_validator(mode="after")
    def _folder_or_pieces(self) -> "StreamDefinition":
        if (self.folder is None) != bool(self.pieces):
            raise ValueError('name either a "folder" or "pieces"')
        refuse_repeats("piece", self.pieces)
        return self


class Streams(Part):
    """streams.yaml."""

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)] = 1
    streams: tuple[StreamDefinition, ...] = ()

    @model_validator(mode="after")
    def _slugs_are_unique(self) -> "Streams":
        refuse_repeats("stream", (stream.slug for stream in self.streams))
        return self
