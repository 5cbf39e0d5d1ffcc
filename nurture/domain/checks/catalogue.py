"""Everything that the rules look at, and ways to walk through it with key paths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nurture.domain.checks.findings import KeyPath
from nurture.domain.conditions.references import parts_of
from nurture.domain.conditions.tree import All, Any_, Condition
from nurture.domain.definition.campaign import CampaignDefinition, arms
from nurture.domain.definition.front_matter import FrontMatter
from nurture.domain.definition.ladders import Ladders
from nurture.domain.definition.organisation import UNNAMED, Organisation
from nurture.domain.definition.scoring import Scoring
from nurture.domain.definition.segments import Segments
from nurture.domain.definition.steps import AnyStep, BranchStep, SendStep, WaitStep
from nurture.domain.definition.streams import StreamDefinition, Streams


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """A template as campaigns see it; `front` is None where its file cannot be read."""

    slug: str
    file: str
    front: FrontMatter | None
    languages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WrittenCampaign:
    """A campaign and the file it stands in."""

    file: str
    definition: CampaignDefinition


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All definitions together; `files` names the file of each settings file."""

    campaigns: tuple[WrittenCampaign, ...] = ()
    templates: Mapping[str, TemplateFacts] = field(default_factory=dict)
    organisation: Organisation = UNNAMED
    streams: Streams = field(default_factory=Streams)
    segments: Segments = field(default_factory=Segments)
    scoring: Scoring | None = None
    ladders: Ladders | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def file(self, name: str) -> str:
        """The file of the settings called `name`."""
        return self.files.get(name, f"campaigns/{name}.yaml")

    def stream(self, slug: str) -> StreamDefinition | None:
        """The stream called `slug`, if there is one."""
        return next((stream for stream in self.streams.streams if stream.slug == slug), None)

    def pieces(self, stream: StreamDefinition) -> tuple[str, ...]:
        """The templates that belong to a stream and exist."""
        if stream.folder is None:
            return tuple(slug for slug in stream.pieces if slug in self.templates)
        return tuple(slug for slug in self.templates if slug.startswith(f"{stream.folder}/"))

    @property
    def field_types(self) -> Mapping[str, str]:
        """The organisation's own fields."""
        return {own.name: own.type for own in self.organisation.fields}


def steps_of(campaign: CampaignDefinition) -> Iterator[tuple[KeyPath, AnyStep]]:
    """Every step with its key path, from top to bottom."""
    yield from _steps(campaign.steps, ("steps",))


def _steps(steps: tuple[AnyStep, ...], path: KeyPath) -> Iterator[tuple[KeyPath, AnyStep]]:
    for number, step in enumerate(steps):
        here = (*path, number)
        yield here, step
        kind = "branch" if isinstance(step, BranchStep) else "split"
        for position, arm in enumerate(arms(step)):
            yield from _steps(arm.steps, (*here, kind, position, "steps"))


def sends_of(campaign: CampaignDefinition) -> Iterator[tuple[KeyPath, SendStep]]:
    """Every step that sends, with its key path."""
    return ((path, step) for path, step in steps_of(campaign) if isinstance(step, SendStep))


def entry_conditions(campaign: CampaignDefinition) -> Iterator[tuple[KeyPath, Condition]]:
    """The conditions that are asked before a lead is in the campaign."""
    if campaign.entry.when is not None:
        yield ("entry", "when"), campaign.entry.when
    if campaign.entry.audience is not None and campaign.entry.audience.when is not None:
        yield ("entry", "audience", "when"), campaign.entry.audience.when


def passage_conditions(campaign: CampaignDefinition) -> Iterator[tuple[KeyPath, Condition]]:
    """The conditions that are asked while a lead passes through."""
    for number, condition in enumerate(campaign.exit):
        yield ("exit", number), condition
    if campaign.goal is not None and campaign.goal.when is not None:
        yield ("goal", "when"), campaign.goal.when
    for path, step in steps_of(campaign):
        if isinstance(step, WaitStep) and step.wait.or_until is not None:
            yield (*path, "wait", "or_until"), step.wait.or_until
        if isinstance(step, BranchStep):
            for position, arm in enumerate(step.branch):
                if arm.when is not None:
                    yield (*path, "branch", position, "when"), arm.when


def single_tests(condition: Condition, path: KeyPath) -> Iterator[tuple[KeyPath, Condition]]:
    """Every single test of a condition, with its key path."""
    parts = parts_of(condition)
    if parts is None:
        yield path, condition
        return
    word = "all" if isinstance(condition, All) else "any" if isinstance(condition, Any_) else "none"
    for number, part in enumerate(parts):
        yield from single_tests(part, (*path, word, number))
