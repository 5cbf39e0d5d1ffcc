"""MJML: its names checked against a list, then converted to HTML with every mask in its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mjml import mjml2html

from nurture.content.assembled import Assembled
from nurture.content.masks import Masks, Tag, mask
from nurture.content.mjml_names import ATTRIBUTES, COMPONENTS, EVERYWHERE, FORBIDDEN, HOLD_ANY_ATTRIBUTE
from nurture.domain.errors import Problem, TemplateError

_ELEMENT = re.compile(r"""<(mj[a-z-]*|mjml)\b((?:[^>"']|"[^"]*"|'[^']*')*)>""")
_ANY_TAG = re.compile(r"""<(/?)([A-Za-z][\w:-]*)((?:[^<>"']|"[^"]*"|'[^']*')*?)(/?)>|<""")
_ATTRIBUTE = re.compile(r"""([^\s"'=<>/]+)\s*=\s*("[^"]*"|'[^']*')""")
_OPAQUE = re.compile(r"<!--.*?-->|(?<=<mj-style>).*?(?=</mj-style>)", re.S)
_STYLE = re.compile(r"<mj-style\b([^>]*)>(.*?)</mj-style>", re.S)
REMOTE_STYLE = re.compile(r"@import|@font-face|expression\s*\(|javascript:", re.I)
_POSITION = re.compile(r"position (\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Draft:
    """An assembled template with its tags masked, and the way back to the author's lines."""

    assembled: Assembled
    text: str
    masks: Masks
    tags: tuple[Tag, ...]

    def problem(self, offset: int, message: str, key: str = "") -> Problem:
        """A fault at `offset` of the masked text."""
        file, line = self.assembled.place(self._unmasked(offset))
        return Problem(file, line, key, message)

    def problem_at_tag(self, number: int, message: str) -> Problem:
        """A fault at one of the author's tags."""
        file, line = self.assembled.place(self.tags[number].start)
        return Problem(file, line, self.tags[number].source, message)

    def problem_at(self, fragment: str, message: str) -> Problem:
        """A fault where `fragment` stands in the masked text, or else where the template begins."""
        key = self.masks.unmask(fragment)[:80]
        for likely in (fragment, fragment[:12]):
            if (offset := self.text.find(likely)) >= 0:
                return self.problem(offset, message, key)
        return Problem(self.assembled.own.file, self.assembled.own.line, key, message)

    def _unmasked(self, offset: int) -> int:
        shift = 0
        for match in self.masks.pattern.finditer(self.text, 0, offset):
            number = int(match[1])
            shift = self.tags[number].end - match.end() if number < len(self.tags) else shift
        return offset + shift


def lint(draft: Draft) -> list[Problem]:
    """What MJML would pass in silence: unknown names, fonts and styles from elsewhere, broken quotes."""
    problems = list(_styles(draft))
    # Comments and style sheets hold no elements; blanks of the same length keep the positions.
    text = _OPAQUE.sub(lambda match: " " * len(match[0]), draft.text)
    inside_attributes = 0
    for element in _ELEMENT.finditer(text):
        name = element[1]
        if name == "mj-attributes":
            inside_attributes = text.find("</mj-attributes>", element.end())
        defaults = element.start() < inside_attributes
        problems += (
            draft.problem(element.start(), message, f"<{name}>")
            for message in _faults(name, element[2], defaults)
        )
    return [*problems, *_quotes(draft, text)]


def _styles(draft: Draft) -> Iterator[Problem]:
    for style in _STYLE.finditer(draft.text):
        if "inline" in style[1]:
            message = 'Styles are not inlined here. Remove inline="inline".'
            yield draft.problem(style.start(), message, "<mj-style>")
        if found := REMOTE_STYLE.search(style[2]):
            yield draft.problem(
                style.start(2) + found.start(),
                f'"{found[0]}" is not allowed: a mail loads no styles or fonts from elsewhere. Remove it.',
                "<mj-style>",
            )


def _quotes(draft: Draft, text: str) -> Iterator[Problem]:
    """MJML writes every attribute in double quotes and escapes none that stand inside."""
    for element in _ANY_TAG.finditer(text):
        for key, value in _ATTRIBUTE.findall(element[3] or ""):
            if '"' in value[1:-1]:
                message = f'A double quote inside the attribute "{key}" would end it. Write &quot; instead.'
                yield draft.problem(element.start(), message, f"<{element[2]}>")


def _faults(name: str, attributes: str, defaults: bool) -> Iterator[str]:
    if name in FORBIDDEN:
        yield f"{name} is not allowed. {FORBIDDEN[name]}"
        return
    if name not in COMPONENTS and not (defaults and name in HOLD_ANY_ATTRIBUTE):
        yield f"There is no component {name}. Check the spelling."
        return
    known = ATTRIBUTES | {"name"} if name in HOLD_ANY_ATTRIBUTE else COMPONENTS[name] | EVERYWHERE
    found = {key: value[1:-1] for key, value in _ATTRIBUTE.findall(attributes)}
    for key in found:
        if key not in known:
            yield f'{name} has no attribute "{key}". Check the spelling.'
    if name == "mj-social-element":
        yield from _social_faults(found)


def _social_faults(attributes: dict[str, str]) -> Iterator[str]:
    if not attributes.get("src"):
        yield 'The icon would be loaded from elsewhere. Give your own with src="https://…".'
    if attributes.get("name") and not attributes["name"].endswith("-noshare"):
        yield f'This would share the page that it links to. Write name="{attributes["name"]}-noshare".'


def to_html(draft: Draft) -> str:
    """The HTML of a draft, every mask kept and in its order.

    Raises:
        TemplateError: it is no MJML, or a tag would be lost or moved; with file and line.
    """
    try:
        html = str(mjml2html(draft.text, fonts={}))
    except ValueError as error:
        raise TemplateError(_syntax_problem(draft, str(error))) from None
    compare(draft, html, "MJML")
    return html


def compare(draft: Draft, result: str, stage: str) -> None:
    """Make sure that a stage kept every tag, and their order.

    Raises:
        TemplateError: it did not; it names the first tag that is out of place.
    """
    before, after = draft.masks.found(draft.text), draft.masks.found(result)
    if before == after:
        return
    out_of_place = next((b for b, a in zip(before, after, strict=False) if b != a), None)
    if out_of_place is None:
        out_of_place = before[len(after)] if len(before) > len(after) else after[len(before)]
    message = f"{stage} loses, moves or repeats this tag where it stands. Put it into a component's text."
    raise TemplateError(draft.problem_at_tag(out_of_place, message))


def _syntax_problem(draft: Draft, error: str) -> Problem:
    """Where the MJML is wrong: in the template alone, or where the library says, or with the layout."""
    message = "This is not MJML. Check that elements are closed, attributes quoted, and a bare < is &lt;."
    own = draft.assembled.own
    text = mask(own.text)[0]
    suspect = _first_suspect(text)
    if suspect is not None:
        return Problem(own.file, own.line + text.count("\n", 0, suspect), "", message)
    position = _POSITION.search(error)
    if position is None:
        return draft.problem(_first_suspect(draft.text) or 0, message)
    # The library counts bytes.
    return draft.problem(len(draft.text.encode()[: int(position[1])].decode(errors="ignore")), message)


_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "meta", "source", "wbr"})


def _first_suspect(text: str) -> int | None:
    """Where elements stop being balanced, which the library's message may not say."""
    text = _OPAQUE.sub(lambda match: " " * len(match[0]), text)
    opened: list[tuple[str, int]] = []
    for tag in _ANY_TAG.finditer(text):
        name = tag[2]
        if name is None:
            if not text.startswith("<!", tag.start()):
                return tag.start()
        elif tag[1]:
            if not opened or opened.pop()[0] != name:
                return tag.start()
        elif not tag[4] and name not in _VOID:
            opened.append((name, tag.start()))
    return opened[-1][1] if opened else None
