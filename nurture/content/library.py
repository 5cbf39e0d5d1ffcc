"""Reading email_templates/: files with front matter, their language variants and their layouts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from nurture.content.complaints import read_as
from nurture.content.yaml_files import MAX_BYTES, Sheet, decode, read_yaml
from nurture.domain.definition.front_matter import FrontMatter
from nurture.domain.errors import FileError, Problem, TemplateError

SUFFIX = ".mjml"
LAYOUTS = "_layouts"
SLOT = "<!-- slot -->"

_NAME = re.compile(
    r"(?P<slug>[a-z0-9][a-z0-9/_-]{0,120})(?:\.(?P<language>[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*))?"
)
_FENCE = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<front>.*?)^---[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_INHERITED = frozenset(FrontMatter.model_fields) - {"kind", "subject"}


@dataclass(frozen=True, slots=True)
class Layout:
    """An MJML document with a slot; `name` as in `letter` or, for a variant, `letter.fr`."""

    name: str
    path: str
    source: str


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template as it was written; `language` is "" for the base file.

    `front` is complete: a variant has inherited from its base file. `body` begins at `body_line`.
    """

    slug: str
    language: str
    path: str
    source: str
    front: FrontMatter
    sheet: Sheet
    body: str
    body_line: int
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class Library:
    """All templates and layouts of a directory."""

    templates: tuple[TemplateFile, ...] = ()
    layouts: tuple[Layout, ...] = ()


def read_library(directory: Path) -> tuple[Library, list[Problem]]:
    """Everything that can be read below a directory, and what is wrong with the rest."""
    problems: list[Problem] = []
    texts: dict[str, str] = {}
    for path in sorted(directory.rglob(f"*{SUFFIX}")):
        name = path.relative_to(directory).as_posix()
        try:
            texts[name] = read_text(path, f"{directory.name}/{name}")
        except FileError as error:
            problems += error.problems
    library, more = parse_library(texts, directory.name)
    return library, problems + more


def read_text(path: Path, name: str) -> str:
    """The text of a file, byte for byte.

    Raises:
        FileError: it cannot be read, is too large or no text.
    """
    try:
        with path.open("rb") as file:
            return decode(file.read(MAX_BYTES + 1), name)
    except OSError as error:
        raise FileError(Problem(name, None, "", f"The file cannot be read: {error.strerror}.")) from None


def parse_library(texts: Mapping[str, str], directory: str) -> tuple[Library, list[Problem]]:
    """A library out of texts by their path below the directory."""
    layouts, problems = _layouts(texts, directory)
    bases: dict[str, TemplateFile] = {}
    found: list[TemplateFile] = []
    # A base file's name is shorter than those of its variants, so it has been read before them.
    for name in sorted(texts, key=lambda name: (name.count("."), name)):
        if name.startswith(f"{LAYOUTS}/"):
            continue
        try:
            slug, language = split_name(name.removesuffix(SUFFIX), f"{directory}/{name}")
            template = parse_template(texts[name], f"{directory}/{name}", slug, language, bases.get(slug))
            found.append(_with_layout(template, layouts))
        except FileError as error:
            problems += error.problems
            continue
        if not language:
            bases[slug] = template
    problems += [_orphan(template) for template in found if f"{template.slug}{SUFFIX}" not in texts]
    found.sort(key=lambda template: (template.slug, template.language))
    return Library(tuple(found), tuple(layouts.values())), problems


def _orphan(variant: TemplateFile) -> Problem:
    base = variant.path.replace(f".{variant.language}{SUFFIX}", SUFFIX)
    return Problem(variant.path, None, "", f"This language variant has no base file. Add {base}.")


def _layouts(texts: Mapping[str, str], directory: str) -> tuple[dict[str, Layout], list[Problem]]:
    layouts: dict[str, Layout] = {}
    problems: list[Problem] = []
    for name in sorted(texts):
        if not name.startswith(f"{LAYOUTS}/"):
            continue
        path, source = f"{directory}/{name}", texts[name]
        stem = name.removeprefix(f"{LAYOUTS}/").removesuffix(SUFFIX)
        if _NAME.fullmatch(stem) is None or "/" in stem or len(stem) > 48:
            problems.append(Problem(path, None, "", _bad_name(stem)))
        elif source.count(SLOT) != 1:
            problems.append(
                Problem(path, 1, "", f"A layout holds {SLOT} once, where the template's sections go. Add it.")
            )
        else:
            layouts[stem] = Layout(stem, path, source)
    return layouts, problems


def split_name(stem: str, path: str) -> tuple[str, str]:
    """Slug and language of a file's name without its suffix.

    Raises:
        TemplateError: the name cannot be a template's.
    """
    match = _NAME.fullmatch(stem)
    if match is None:
        raise TemplateError(Problem(path, None, "", _bad_name(stem)))
    return match["slug"], match["language"] or ""


def _bad_name(stem: str) -> str:
    return (
        f'"{PurePosixPath(stem).name}" cannot be a name. Use lower-case letters, digits, - and _, '
        "and for a language variant its code before .mjml: name.fr.mjml."
    )


def parse_template(
    source: str, path: str, slug: str, language: str = "", base: TemplateFile | None = None
) -> TemplateFile:
    """A template without its layout yet; a variant inherits from `base` what its own head leaves out.

    Raises:
        FileError: the front matter is missing or wrong; with every fault.
    """
    fence = _FENCE.match(source)
    if fence is None:
        message = "A template begins with front matter between two lines of three dashes: ---. Add it."
        raise TemplateError(Problem(path, 1, "", message))
    sheet = read_yaml(fence["front"], path, first_line=2)
    if base is not None and isinstance(sheet.data, dict) and isinstance(base.sheet.data, dict):
        inherited = {key: value for key, value in base.sheet.data.items() if key in _INHERITED}
        sheet = Sheet(path, source, {**inherited, **sheet.data}, sheet.lines)
    front = read_as(FrontMatter, sheet)
    body_line = source.count("\n", 0, fence.end()) + 1
    return TemplateFile(slug, language, path, source, front, sheet, source[fence.end() :], body_line)


def _with_layout(template: TemplateFile, layouts: Mapping[str, Layout]) -> TemplateFile:
    name = template.front.layout
    if name is None:
        return template
    layout = layouts.get(f"{name}.{template.language}") or layouts.get(name)
    if layout is None:
        known = ", ".join(sorted({stem.split(".")[0] for stem in layouts})) or "none yet"
        message = f'There is no layout "{name}" in {LAYOUTS}/. There are: {known}.'
        raise TemplateError(template.sheet.problem(("layout",), message))
    return with_layout(template, layout)


def with_layout(template: TemplateFile, layout: Layout | None) -> TemplateFile:
    """The template in this layout."""
    return replace(template, layout=layout)


def languages(templates: Iterable[TemplateFile]) -> dict[str, frozenset[str]]:
    """The languages of each template beside its base file."""
    found: dict[str, set[str]] = {}
    for template in templates:
        found.setdefault(template.slug, set()).update({template.language} - {""})
    return {slug: frozenset(codes) for slug, codes in found.items()}
