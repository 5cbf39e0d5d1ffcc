"""The rules of the house as one frozen value: what was applied last, and built-in rules for what was not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy.orm import Session

from nurture.domain.conditions.tree import Condition
from nurture.domain.definition.defaults import DEFAULT_LADDERS, DEFAULT_SCORING
from nurture.domain.definition.ladders import Ladders
from nurture.domain.definition.organisation import UNNAMED, Organisation
from nurture.domain.definition.scoring import Scoring
from nurture.domain.definition.segments import Segments
from nurture.domain.definition.streams import StreamDefinition, Streams
from nurture.store import house as store

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Generation:
    """One set of engagement rules, with the ledger that is kept by them."""

    id: int
    scoring: Scoring


@dataclass(frozen=True)
class House:
    """Everything that decisions need to know about this installation besides the lead.

    `scoring` is scoring.yaml: fit and bands count from it. Engagement is kept by `active`, and by `building`
    beside it while new rules are being prepared; `active` is `None` before the first installation.
    """

    digest: str
    organisation: Organisation
    scoring: Scoring
    ladders: Ladders
    segments: Mapping[str, Condition]
    streams: Mapping[str, StreamDefinition]
    active: Generation | None
    building: Generation | None

    @property
    def half_life(self) -> timedelta:
        """The half-life of the engagement that counts now."""
        return (self.active.scoring if self.active else self.scoring).half_life_exact

    @property
    def generations(self) -> tuple[Generation, ...]:
        """The generations that new events are scored by."""
        return tuple(generation for generation in (self.active, self.building) if generation is not None)

    @cached_property
    def field_types(self) -> Mapping[str, str]:
        """The type of each custom field by its name."""
        return {field.name: field.type for field in self.organisation.fields}


_KEPT = 8
_houses: dict[str, House] = {}
"""The newest houses by digest: parsing the rules is dear, and they hardly ever change."""


def load_house(session: Session) -> House:
    """The rules that count now; equal digests give the same object."""
    digest = store.digest(session)
    known = _houses.get(digest)
    if known is not None:
        return known
    house = _read(session, digest)
    while len(_houses) >= _KEPT:
        _houses.pop(next(iter(_houses)), None)
    return _houses.setdefault(digest, house)


def _read(session: Session, digest: str) -> House:
    bodies = store.bodies(session)
    rows = store.generations(session)
    segments = Segments.model_validate(bodies.get("segments", {}))
    streams = Streams.model_validate(bodies.get("streams", {}))
    return House(
        digest=digest,
        organisation=_parsed(Organisation, bodies, "organisation", UNNAMED),
        scoring=_parsed(Scoring, bodies, "scoring", DEFAULT_SCORING),
        ladders=_parsed(Ladders, bodies, "lifecycle", DEFAULT_LADDERS),
        segments={segment.slug: segment.when for segment in segments.segments},
        streams={stream.slug: stream for stream in streams.streams},
        active=_generation(rows, "active"),
        building=_generation(rows, "building", "built"),
    )


def _parsed(model: type[Model], bodies: store.Bodies, name: str, default: Model) -> Model:
    return model.model_validate(bodies[name]) if name in bodies else default


def _generation(rows: Sequence[store.GenerationRow], *statuses: str) -> Generation | None:
    for row in rows:
        if row.status in statuses:
            return Generation(row.id, Scoring.model_validate(row.rules))
    return None
