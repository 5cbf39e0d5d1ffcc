"""Templates: which version of each is current, and every version there ever was."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from nurture.domain.definition.front_matter import FrontMatter
from nurture.domain.errors import NotFound
from nurture.store.base import chunks
from nurture.store.schema import Template, TemplateVersion

BASE = ""
"""The language of a base file: what leads get for whose language there is no variant."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version about to be kept; `id` is the hash of what it is made from."""

    id: str
    slug: str
    language: str
    front: FrontMatter
    source: str
    layout: str | None
    compiled: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CurrentTemplate:
    """A template as it is now, in one language, with its file's text."""

    slug: str
    language: str
    version_id: str
    source: str
    layout: str | None


def save_versions(session: Session, versions: Iterable[NewVersion], now: datetime) -> int:
    """Keep the versions that are not yet kept and make all of them current; returns how many are new."""
    wanted = {version.id: version for version in versions}
    known = set(session.scalars(select(TemplateVersion.id).where(TemplateVersion.id.in_(wanted))))
    new = [version for version in wanted.values() if version.id not in known]
    for batch in chunks(new, 100):
        session.execute(insert(TemplateVersion), [_row(version, now) for version in batch])
    _make_current(session, wanted.values())
    return len(new)


def _row(version: NewVersion, now: datetime) -> dict[str, Any]:
    return {
        "id": version.id,
        "slug": version.slug,
        "language": version.language,
        "kind": version.front.kind.value,
        "front": version.front.model_dump(mode="json"),
        "source": version.source,
        "layout": version.layout,
        "compiled": dict(version.compiled),
        "created_at": now,
    }


def _make_current(session: Session, versions: Iterable[NewVersion]) -> None:
    rows = {(version.slug, version.language): version.id for version in versions}
    known = {(slug, language) for slug, language in session.execute(select(Template.slug, Template.language))}
    new = [
        {"slug": slug, "language": language, "version_id": version_id, "retired": False}
        for (slug, language), version_id in rows.items()
        if (slug, language) not in known
    ]
    if new:
        session.execute(insert(Template), new)
    changed = [
        {"slug": slug, "language": language, "version_id": version_id, "retired": False}
        for (slug, language), version_id in rows.items()
        if (slug, language) in known
    ]
    if changed:
        session.execute(update(Template), changed)


def current_templates(session: Session) -> tuple[CurrentTemplate, ...]:
    """Every template that is in use, in each of its languages, base files first."""
    rows = session.execute(
        select(
            Template.slug,
            Template.language,
            TemplateVersion.id,
            TemplateVersion.source,
            TemplateVersion.layout,
        )
        .join(TemplateVersion, TemplateVersion.id == Template.version_id)
        .where(Template.retired.is_(False))
        .order_by(Template.slug, Template.language)
    )
    return tuple(CurrentTemplate(*row) for row in rows)


def current_versions(session: Session, slugs: Collection[str] | None = None) -> dict[str, dict[str, str]]:
    """The current version of each template by language; of all templates where none are named."""
    statement = select(Template.slug, Template.language, Template.version_id).where(
        Template.retired.is_(False)
    )
    if slugs is not None:
        statement = statement.where(Template.slug.in_(slugs))
    found: dict[str, dict[str, str]] = {}
    for slug, language, version_id in session.execute(statement):
        found.setdefault(slug, {})[language] = version_id
    return found


def choose(versions: Mapping[str, str], language: str | None) -> str | None:
    """The version for a reader of `language`: its variant, that of its main language, or the base file."""
    wanted = (language or "").replace("_", "-")
    for candidate in (wanted, wanted.split("-")[0].lower(), BASE):
        if candidate in versions:
            return versions[candidate]
    return None


def current_version(session: Session, slug: str, language: str | None) -> str | None:
    """The version of a template that a reader of `language` gets now."""
    return choose(current_versions(session, [slug]).get(slug, {}), language)


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version as it is rendered: its front matter and what it was compiled to."""

    front: FrontMatter
    compiled: Mapping[str, Any]


def version_of(session: Session, version_id: str) -> StoredVersion:
    """One version.

    Raises:
        NotFound: there is none of this name.
    """
    row = session.get(TemplateVersion, version_id)
    if row is None:
        raise NotFound(f"There is no template version {version_id}.")
    return StoredVersion(FrontMatter.model_validate(row.front), row.compiled)


def compiled_of(session: Session, version_ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """What these versions were compiled to."""
    rows = session.execute(
        select(TemplateVersion.id, TemplateVersion.compiled).where(TemplateVersion.id.in_(version_ids))
    )
    return {version_id: compiled for version_id, compiled in rows}  # noqa: C416 - rows are no pairs to mypy.


def compiled_json(session: Session, version_id: str) -> Mapping[str, Any]:
    """What a version was compiled to; empty where there is none."""
    return compiled_of(session, [version_id]).get(version_id, {})


def fronts(session: Session) -> dict[str, FrontMatter]:
    """The front matter of every template in use, as its base file has it."""
    rows = session.execute(
        select(Template.slug, TemplateVersion.front)
        .join(TemplateVersion, TemplateVersion.id == Template.version_id)
        .where(Template.retired.is_(False), Template.language == BASE)
    )
    return {slug: FrontMatter.model_validate(front) for slug, front in rows}
