"""From a template file to what rendering needs, once per version.

layout slot → masks → MJML → links numbered → text part → masks off → Jinja sources, checked again.
"""

import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from jinja2 import nodes

from nurture.content import allow_list, masks
from nurture.content.assembled import Assembled, Piece
from nurture.content.library import SLOT, TemplateFile
from nurture.content.markup import Draft, lint, to_html
from nurture.content.merge_fields import NEEDED, known_fields, unknown_field
from nurture.content.page import number_links
from nurture.content.sandbox import PIXEL
from nurture.content.text_part import text_part
from nurture.domain.definition.front_matter import Kind
from nurture.domain.errors import Problem, TemplateError

FORMAT = 1
"""Raised whenever compiling gives another result, so that versions made before stay what they were."""

SUBJECT, PREHEADER = "<!-- subject -->", "<!-- preheader -->"
_STRAY = re.compile(r"\{[{%#]")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template version, ready to render; `links[n - 1]` is the target of the static link number n.

    `subject`, `preheader`, `html` and `text` are Jinja sources that passed the allow-list. `flat` says that
    they only print values; `names` are the merge fields in them.
    """

    version_id: str
    slug: str
    language: str
    kind: str
    subject: str
    preheader: str
    html: str
    text: str
    links: tuple[str, ...]
    flat: bool
    names: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data, as it is kept with the version."""
        return {**asdict(self), "links": list(self.links), "names": list(self.names), "format": FORMAT}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        fields = {name: data[name] for name in cls.__dataclass_fields__}
        return cls(**{**fields, "links": tuple(data["links"]), "names": tuple(data["names"])})


def version_of(file: TemplateFile) -> str:
    """The name of a version: a hash of template, layout and language variant, 64 hexadecimal digits."""
    front = file.front.model_dump(mode="json")
    layout = file.layout.source if file.layout else None
    parts = [FORMAT, file.slug, file.language, front, file.source, layout]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def compile_template(file: TemplateFile, custom: Iterable[str] = ()) -> Compiled:
    """Compile one template in its layout; `custom` are the names of the organisation's own fields.

    Raises:
        TemplateError: with every fault that can be told at once, each with file and line.
    """
    names = _check_sources(file, known_fields(file.front.kind, custom))
    draft = _draft(file)
    if problems := lint(draft):
        raise TemplateError(*problems)
    page = number_links(draft, to_html(draft))
    text = _finished(draft, text_part(draft, page.html))
    full = _with_pixel(_finished(draft, _with_heads(file, page.html, draft)))
    sources = {"subject": file.front.subject, "preheader": file.front.preheader, "html": full, "text": text}
    return Compiled(
        version_id=version_of(file),
        slug=file.slug,
        language=file.language,
        kind=file.front.kind.value,
        links=page.targets,
        flat=all(allow_list.is_flat(_checked(file, source)) for source in sources.values()),
        names=names,
        **sources,
    )


# --- what authors wrote --------------------------------------------------------------------------


def _pieces(file: TemplateFile) -> Iterator[tuple[str, Piece]]:
    """Every text that an author wrote, with its key and place."""
    for key, text in (("subject", file.front.subject), ("preheader", file.front.preheader)):
        yield key, Piece(text, file.path, file.sheet.line((key,)))
    if file.layout is not None:
        yield "", Piece(file.layout.source, file.layout.path, 1)
    yield "", Piece(file.body, file.path, file.body_line)


def _check_sources(file: TemplateFile, known: frozenset[str]) -> tuple[str, ...]:
    """The merge fields in use, after every source has passed the allow-list and every field is known."""
    problems: list[Problem] = []
    names: dict[str, bool] = {}
    for key, piece in _pieces(file):
        try:
            uses = allow_list.uses(allow_list.check(piece.text))
        except allow_list.Refused as refused:
            problems.append(Problem(piece.file, piece.line + refused.line - 1, key, refused.message))
            continue
        for use in uses:
            names[use.name] = names.get(use.name, False) or use.sure
            if use.name not in known:
                message = unknown_field(use.name, known)
                problems.append(Problem(piece.file, piece.line + use.line - 1, key, message))
    problems += _missing(file, names) if not problems else ()
    if problems:
        raise TemplateError(*problems)
    return tuple(sorted(names))


def _missing(file: TemplateFile, names: Mapping[str, bool]) -> Iterator[Problem]:
    """What a marketing mail must show and does not, or not to everybody."""
    if file.front.kind is Kind.SYSTEM:
        return
    for name in NEEDED:
        if not names.get(name, False):
            where = "outside of if and for" if name in names else "in the footer, or use a layout that has it"
            message = f"A mail of kind {file.front.kind} must show {{{{ {name} }}}}. Add it {where}."
            yield Problem(file.path, file.body_line, "", message)


# --- assembling ----------------------------------------------------------------------------------


def _draft(file: TemplateFile) -> Draft:
    """Template and layout as one masked text."""
    pieces = [Piece(_plain(file.body), file.path, file.body_line)]
    if file.layout is not None:
        before, _, after = _plain(file.layout.source).partition(SLOT)
        line = before.count("\n") + 1
        pieces = [Piece(before, file.layout.path, 1), *pieces, Piece(after, file.layout.path, line)]
    assembled = Assembled(tuple(pieces))
    text, words, tags = masks.mask(assembled.text)
    # Subject and preheader stand in several places, so each is a word that is no mask until the end.
    for comment, word in _heads(words.prefix):
        text = text.replace(comment, word)
    return Draft(assembled, text, words, tuple(tags))


def _plain(source: str) -> str:
    """Without comments, with line ends that MJML reads (it stumbles over CRLF in the head)."""
    return masks.without_comments(source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))


def _heads(prefix: str) -> tuple[tuple[str, str], ...]:
    """The comments and the words in their place, of the same length, so that positions stay."""
    letters = ((SUBJECT, "s"), (PREHEADER, "p"))
    return tuple((comment, prefix.ljust(len(comment), letter)) for comment, letter in letters)


def _with_heads(file: TemplateFile, page: str, draft: Draft) -> str:
    """Subject and preheader put in where the layout wants them, their own text escaped."""
    texts = (file.front.subject, file.front.preheader)
    for (_, word), text in zip(_heads(draft.masks.prefix), texts, strict=True):
        masked, words, _tags = masks.mask(masks.without_comments(text))
        again = words.pattern.sub(_moved(words, draft.masks), html.escape(masked))
        page = page.replace(word, again)
    return page


def _moved(words: masks.Masks, into: masks.Masks) -> Callable[..., str]:
    return lambda match: into.add(words.source(int(match[1])))


# --- finishing -----------------------------------------------------------------------------------


def _with_pixel(page: str) -> str:
    before, end, after = page.rpartition("</body>")
    pixel = "{{ " + PIXEL + " }}"
    return f"{before}{pixel}{end}{after}" if end else page + pixel


def _finished(draft: Draft, text: str) -> str:
    """The text with its tags back, after a look for braces that were spelled as entities."""
    if stray := _STRAY.search(text):
        message = f'"{stray[0]}" may stand around merge fields only. Remove it.'
        raise TemplateError(draft.problem_at("&#123;", message))
    return draft.masks.unmask(text)


def _checked(file: TemplateFile, source: str) -> nodes.Template:
    try:
        return allow_list.check(source, internal=True)
    except allow_list.Refused as refused:
        message = f"Once assembled, the template is not allowed: {refused.message}"
        raise TemplateError(Problem(file.path, None, "", message)) from None
