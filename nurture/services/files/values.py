"""What these use cases are given and what they answer."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from nurture.config import Settings
from nurture.domain.errors import Problem


@dataclass(frozen=True, slots=True)
class Paths:
    """The two directories of files."""

    campaigns: Path
    templates: Path

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The directories that the settings name."""
        return cls(settings.campaigns_dir, settings.templates_dir)


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """One template as `check` shows it; a flat one renders fastest."""

    file: str
    flat: bool
    links: int


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found: problems keep the files from being applied, warnings do not."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    templates: tuple[TemplateLine, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the files can be applied."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """The report for scripts."""
        return {"ok": self.ok, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that applying changes.

    `kind` is campaign, template, layout or settings; `what` is new, changed, reworded (other words in the
    file, the same meaning) or starts. `leads` is how many leads it touches, `note` says how.
    """

    kind: str
    name: str
    what: str
    leads: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying changes, or has changed; `warnings` as in a report."""

    changes: tuple[Change, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The plan for scripts."""
        return asdict(self)
