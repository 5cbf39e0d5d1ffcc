"""Reading all files and everything that is wrong with them; nothing here touches the database."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from nurture.content.campaign_files import Design, read_design
from nurture.content.compile import Compiled, compile_template, version_of
from nurture.content.library import Library, TemplateFile, languages, read_library
from nurture.content.render import render
from nurture.content.samples import sample_values
from nurture.content.yaml_files import Sheet
from nurture.domain import checks
from nurture.domain.checks import Catalogue, Finding, Severity, TemplateFacts, WrittenCampaign
from nurture.domain.definition.ladders import Ladders
from nurture.domain.definition.organisation import UNNAMED, Organisation
from nurture.domain.definition.scoring import Scoring
from nurture.domain.definition.segments import Segments
from nurture.domain.definition.streams import Streams
from nurture.domain.errors import FileError, Problem
from nurture.services.files.stored import Stored
from nurture.services.files.values import Paths, Report, TemplateLine

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Files:
    """All files, read; `compiled` has every template by slug and language."""

    design: Design
    library: Library
    compiled: Mapping[tuple[str, str], Compiled]
    catalogue: Catalogue
    report: Report


def check(paths: Paths) -> Report:
    """Everything that is wrong or unwise in the files."""
    return read(paths, Stored()).report


def read(paths: Paths, stored: Stored) -> Files:
    """Read all files; what they name and do not hold is looked for in what is stored."""
    problems = [*_missing_directories(paths)]
    design, wrong = read_design(paths.campaigns)
    problems += wrong
    library, unreadable = read_library(paths.templates)
    problems += unreadable
    catalogue = _catalogue(design, library, stored, unreadable)
    compiled, refused = _compile(library, catalogue.organisation)
    problems += refused
    # With a settings file missing its names, every reference to them would be called wrong.
    findings = () if wrong else checks.check(catalogue)
    sheets = _sheets(design, library)
    problems += _problems(findings, Severity.ERROR, sheets)
    warnings = [*_problems(findings, Severity.WARNING, sheets), *_too_long(library, compiled)]
    report = Report(
        problems=_in_order(problems),
        warnings=_in_order(warnings),
        templates=tuple(_line(library, compiled)),
    )
    return Files(design, library, compiled, catalogue, report)


def _missing_directories(paths: Paths) -> Iterator[Problem]:
    for directory in (paths.campaigns, paths.templates):
        if not directory.is_dir():
            message = "There is no such directory. Create it, or name another in the settings."
            yield Problem(str(directory), None, "", message)


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(
        sorted(set(problems), key=lambda problem: (problem.file, problem.line or 0, problem.message))
    )


def _sheets(design: Design, library: Library) -> dict[str, Sheet]:
    return {
        **{file.path: file.sheet for file in design.campaigns},
        **{file.path: file.sheet for file in design.settings.values()},
        **{template.path: template.sheet for template in library.templates},
    }


def _problems(findings: Iterable[Finding], severity: Severity, sheets: Mapping[str, Sheet]) -> list[Problem]:
    """What the rules found in these files, with lines; what they found in stored things is left out."""
    return [
        sheets[finding.file].problem(finding.path, finding.message)
        for finding in findings
        if finding.severity is severity and finding.file in sheets
    ]


CLIPPED_FROM = 100_000
"""Gmail cuts a mail off above about 102 kB, and with it the way to unsubscribe."""


def _too_long(library: Library, compiled: Mapping[tuple[str, str], Compiled]) -> Iterator[Problem]:
    for template in library.templates:
        made = compiled.get((template.slug, template.language))
        size = len(made.html.encode()) if made else 0
        if size > CLIPPED_FROM:
            message = (
                f"The mail is {size // 1000} kB long, and Gmail cuts off what is over 102 kB. Shorten it."
            )
            yield Problem(template.path, None, "", message)


def _line(library: Library, compiled: Mapping[tuple[str, str], Compiled]) -> Iterator[TemplateLine]:
    for template in library.templates:
        made = compiled.get((template.slug, template.language))
        if made is not None:
            yield TemplateLine(template.path, made.flat, len(made.links))


# --- compiling -----------------------------------------------------------------------------------

_KEPT = 1000
_compiled: dict[tuple[str, tuple[str, ...]], Compiled] = {}
"""What was compiled before, by version and known fields: compiling gives the same for the same."""


def _compile(
    library: Library, organisation: Organisation
) -> tuple[dict[tuple[str, str], Compiled], list[Problem]]:
    """Every template compiled, and looked at with its sample."""
    custom = tuple(sorted(own.name for own in organisation.fields))
    done: dict[tuple[str, str], Compiled] = {}
    problems: list[Problem] = []
    for template in library.templates:
        try:
            done[template.slug, template.language] = _compile_one(template, custom)
        except FileError as error:
            problems += error.problems
    return done, problems


def _compile_one(template: TemplateFile, custom: tuple[str, ...]) -> Compiled:
    key = (version_of(template), custom)
    if key not in _compiled:
        made = compile_template(template, custom)
        try:
            render(made, sample_values(template.front))
        except FileError as error:
            found = [template.sheet.problem(("sample",), problem.message) for problem in error.problems]
            raise FileError(*found) from None
        while len(_compiled) >= _KEPT:
            _compiled.pop(next(iter(_compiled)), None)
        _compiled[key] = made
    return _compiled[key]


# --- the catalogue -------------------------------------------------------------------------------


def _catalogue(design: Design, library: Library, stored: Stored, unreadable: Iterable[Problem]) -> Catalogue:
    return Catalogue(
        campaigns=tuple(_campaigns(design, stored)),
        templates=_templates(library, stored, unreadable),
        organisation=_settings(design, stored, "organisation", UNNAMED),
        streams=_settings(design, stored, "streams", Streams()),
        segments=_settings(design, stored, "segments", Segments()),
        scoring=_optional(design, stored, "scoring", Scoring),
        ladders=_optional(design, stored, "lifecycle", Ladders),
        files={name: file.path for name, file in design.settings.items()},
    )


def _campaigns(design: Design, stored: Stored) -> Iterator[WrittenCampaign]:
    for file in design.campaigns:
        yield WrittenCampaign(file.path, file.definition)
    written = {file.definition.slug for file in design.campaigns}
    for slug in stored.campaigns.keys() - written:
        definition = stored.definition(slug)
        if definition is not None:
            yield WrittenCampaign("", definition)


def _templates(library: Library, stored: Stored, unreadable: Iterable[Problem]) -> dict[str, TemplateFacts]:
    """Templates by slug: those stored, over them those that are written, readable or not."""
    found: dict[str, TemplateFacts] = {}
    for slug, front in stored.fronts.items():
        written = frozenset(language for name, language in stored.templates if name == slug) - {""}
        found[slug] = TemplateFacts(slug, "", front, written)
    for problem in unreadable:
        slug = problem.file.partition("/")[2].split(".")[0]
        found.setdefault(slug, TemplateFacts(slug, problem.file, None))
    spoken = languages(library.templates)
    for template in library.templates:
        if not template.language:
            codes = spoken[template.slug] | found.get(template.slug, _NOBODY).languages
            found[template.slug] = TemplateFacts(
                template.slug, template.path, template.front, frozenset(codes)
            )
    return found


_NOBODY = TemplateFacts("", "", None)


def _settings(design: Design, stored: Stored, name: str, default: Model) -> Model:
    return _optional(design, stored, name, type(default)) or default


def _optional(design: Design, stored: Stored, name: str, model: type[Model]) -> Model | None:
    written = design.settings.get(name)
    settings = written.settings if written else stored.settings(name)
    return settings if isinstance(settings, model) else None
