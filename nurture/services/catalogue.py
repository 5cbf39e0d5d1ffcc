"""What campaigns can send, as values: templates in their languages, and streams with their pieces."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from nurture.domain.definition.front_matter import FrontMatter
from nurture.domain.definition.streams import StreamDefinition
from nurture.domain.errors import NotFound
from nurture.domain.streams import Piece, Stream
from nurture.domain.text import fold
from nurture.services.house import House
from nurture.store.catalogue import CurrentTemplate, current_templates, front_matters

BASE = ""
"""The language under which a template's base file stands."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`versions` has the version of each template by slug and language; `streams` every stream by slug."""

    versions: Mapping[str, Mapping[str, str]]
    streams: Mapping[str, Stream]

    def version_for(self, slug: str, language: str | None) -> str:
        """The version of a template for a reader of `language`: that variant, else the base file.

        Raises:
            NotFound: when there is no such template.
        """
        versions = self.versions.get(slug)
        if not versions:
            raise NotFound(f'There is no template "{slug}". Add it to email_templates/ and apply it.')
        spoken = (language or "").lower()
        for variant in (spoken, spoken.split("-")[0], BASE):
            if variant in versions:
                return versions[variant]
        return next(iter(versions.values()))


_KEPT = 4
_catalogues: dict[tuple[str, tuple[CurrentTemplate, ...]], Catalogue] = {}
"""The newest catalogues by the rules and the versions that they are made of."""


def load_catalogue(session: Session, house: House) -> Catalogue:
    """What campaigns can send now."""
    current = current_templates(session)
    known = _catalogues.get((house.digest, current))
    if known is not None:
        return known
    fronts = _fronts(session, current)
    catalogue = Catalogue(
        versions=_by_slug(current),
        streams={slug: _stream(definition, fronts) for slug, definition in house.streams.items()},
    )
    while len(_catalogues) >= _KEPT:
        _catalogues.pop(next(iter(_catalogues)), None)
    return _catalogues.setdefault((house.digest, current), catalogue)


def _fronts(session: Session, current: tuple[CurrentTemplate, ...]) -> dict[str, FrontMatter]:
    """The front matter of each template's base file, by slug."""
    base = {template.version_id: template.slug for template in current if template.language == BASE}
    bodies = front_matters(session, base)
    return {base[version_id]: FrontMatter.model_validate(body) for version_id, body in bodies.items()}


def _by_slug(current: tuple[CurrentTemplate, ...]) -> dict[str, dict[str, str]]:
    versions: dict[str, dict[str, str]] = {}
    for template in current:
        versions.setdefault(template.slug, {})[template.language.lower()] = template.version_id
    return versions


def _stream(definition: StreamDefinition, fronts: Mapping[str, FrontMatter]) -> Stream:
    if definition.folder is None:
        # The list itself is the order.
        listed = [slug for slug in definition.pieces if slug in fronts]
        pieces = [_piece(slug, fronts[slug], order) for order, slug in enumerate(listed)]
    else:
        folder = f"{definition.folder}/"
        pieces = [
            _piece(slug, front, front.order) for slug, front in fronts.items() if slug.startswith(folder)
        ]
    return Stream(definition.slug, tuple(pieces), definition.pick, definition.match)


def _piece(slug: str, front: FrontMatter, order: int) -> Piece:
    return Piece(
        slug=slug,
        order=order,
        stages=frozenset(front.stages),
        industries=frozenset(fold(industry) for industry in front.industries),
        company_sizes=frozenset(front.company_sizes),
        languages=frozenset(language.split("-")[0].lower() for language in front.languages),
        expires=front.expires,
    )
