"""What can be sent now: the current version of every template, in every language it has."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nurture.store.schema import Template, TemplateVersion


@dataclass(frozen=True, slots=True)
class CurrentTemplate:
    """The current version of a template in one language; `""` is the base file's."""

    slug: str
    language: str
    version_id: str


def current_templates(session: Session) -> tuple[CurrentTemplate, ...]:
    """Every template that has not been retired, in all its languages."""
    rows = session.execute(
        select(Template.slug, Template.language, Template.version_id)
        .where(Template.retired.is_(False))
        .order_by(Template.slug, Template.language)
    )
    return tuple(CurrentTemplate(*row) for row in rows)


def front_matters(session: Session, version_ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The front matter of these template versions."""
    rows = session.execute(
        select(TemplateVersion.id, TemplateVersion.front).where(TemplateVersion.id.in_(version_ids))
    )
    return {version_id: front for version_id, front in rows}  # noqa: C416 - rows are no pairs to mypy.
