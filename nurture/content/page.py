"""The HTML of a mail: what may stand where, and every link given its number.

Works on the masked HTML, so a mask in an attribute is a value of a lead in that attribute.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from nurture.content.addresses import OTHER_SCHEMES, fault_of, has_fixed_host
from nurture.content.markup import REMOTE_STYLE, Draft
from nurture.content.sandbox import LINKS, TRACKED
from nurture.domain.errors import Problem, TemplateError

OWN_ADDRESSES = frozenset({"unsubscribe_url", "preferences_url", "view_url", "action_url"})
"""Merge fields that are whole addresses of ours; clicks on them are not counted."""

TRACKED_ADDRESSES = frozenset({"piece.url"})
"""Merge fields that are whole addresses, and counted."""

FORBIDDEN_ELEMENTS = frozenset(
    {"applet", "base", "embed", "form", "frame", "frameset", "iframe", "link", "object", "script"}
)
_ADDRESS_ATTRIBUTES = frozenset({"href", "xlink:href", "src", "background", "poster", "action", "formaction"})
_TEXT_ATTRIBUTES = frozenset({"alt", "title", "aria-label", "lang"})
_HREF = re.compile(r"""(\bhref\s*=\s*)("[^"]*"|'[^']*')""", re.I)
_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")


@dataclass(frozen=True, slots=True)
class Element:
    """A start tag: where it stands, as it is written, and its attributes decoded."""

    name: str
    offset: int
    source: str
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Numbered:
    """The page with its links numbered: static targets by number, from 1."""

    html: str
    targets: tuple[str, ...]


def number_links(draft: Draft, page: str) -> Numbered:
    """Check the page, then put a word for its tracked address in the place of every link that is counted.

    Raises:
        TemplateError: something stands where it must not; with every such place.
    """
    scan = _scan(page)
    problems = [*_misplaced(draft, scan)]
    links = _Links(draft, [], problems)
    parts: list[str] = []
    position = 0
    for element in scan.elements:
        parts += (page[position : element.offset], links.rewrite(element))
        position = element.offset + len(element.source)
    parts.append(page[position:])
    if problems:
        raise TemplateError(*problems)
    return Numbered("".join(parts), tuple(links.targets))


# --- reading the page ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Scan:
    elements: list[Element] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)


class _Parser(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scan = _Scan()
        self._starts = [0, *(match.end() for match in re.finditer("\n", page))]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self.getpos()
        source = self.get_starttag_text() or ""
        attributes = tuple((name, value or "") for name, value in attrs)
        self.scan.elements.append(Element(tag, self._starts[line - 1] + column, source, attributes))

    def handle_comment(self, data: str) -> None:
        self.scan.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            self.scan.styles.append(data)


def _scan(page: str) -> _Scan:
    parser = _Parser(page)
    parser.feed(page)
    parser.close()
    return parser.scan


# --- what may stand where ------------------------------------------------------------------------


def _misplaced(draft: Draft, scan: _Scan) -> Iterator[Problem]:
    masks = draft.masks
    for style in scan.styles:
        if found := REMOTE_STYLE.search(style):
            message = f'"{found[0]}" is not allowed: a mail loads no styles or fonts. Remove it.'
            yield draft.problem_at(found[0], message)
        for number in masks.found(style):
            yield draft.problem_at_tag(number, "Jinja cannot stand in a style sheet. Move it out.")
    for comment in scan.comments:
        for number in masks.found(comment):
            # What MJML writes for Outlook stands in comments; an if or for around sections goes there too.
            if masks.is_output(number):
                yield draft.problem_at_tag(number, "A value cannot stand in a comment. Move it out.")
    for element in scan.elements:
        yield from _misplaced_in(draft, element)


def _misplaced_in(draft: Draft, element: Element) -> Iterator[Problem]:
    masks = draft.masks
    if element.name in FORBIDDEN_ELEMENTS:
        yield draft.problem_at(f"<{element.name}", f"<{element.name}> is not allowed in a mail. Remove it.")
    outside_quotes = _QUOTED.sub("", element.source)
    for number in masks.found(outside_quotes):
        yield draft.problem_at_tag(number, "Inside an element, Jinja stands in quoted attributes only.")
    for name, value in element.attributes:
        if name == "http-equiv" and value.strip().lower() == "refresh":
            yield draft.problem_at("refresh", "A mail does not lead elsewhere by itself. Remove the refresh.")
        if name.startswith("on"):
            yield draft.problem_at(name, f'The attribute "{name}" runs a script. Remove it.')
        if name in _ADDRESS_ATTRIBUTES:
            yield from _address_faults(draft, element, name, value)
        elif name not in _TEXT_ATTRIBUTES:
            for number in masks.found(value):
                message = f'A value cannot stand in "{name}". Values go into texts, addresses, alt and title.'
                yield draft.problem_at_tag(number, message)


def _address_faults(draft: Draft, element: Element, name: str, value: str) -> Iterator[Problem]:
    """Faults of addresses that are loaded; links are looked at when they are numbered."""
    if name == "href" and element.name in ("a", "area"):
        return
    numbers = draft.masks.found(value)
    if numbers and not has_fixed_host(draft.masks.pattern.split(value)[0]):
        yield draft.problem_at_tag(numbers[0], _FIXED_HOST_NEEDED)
    elif not numbers and value and (fault := fault_of(value.strip())):
        yield draft.problem_at(value, f'The address "{value[:80]}" cannot be used. {fault}')


_FIXED_HOST_NEEDED = (
    "A value must not choose the host of an address. Write it out up to the first slash: "
    "https://www.example.com/{{ … }}."
)


# --- links ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Links:
    draft: Draft
    targets: list[str]
    problems: list[Problem]

    def rewrite(self, element: Element) -> str:
        """The start tag with its addresses ready for rendering."""
        source = element.source
        for name, value in element.attributes:
            if name not in _ADDRESS_ATTRIBUTES:
                continue
            if name == "href" and element.name in ("a", "area"):
                return self._with_link(source, value.strip())
            if self.draft.masks.found(value):
                encoded = self._encoded(html.escape(value))
                source = source.replace(html.escape(value), encoded).replace(value, encoded)
        return source

    def _with_link(self, source: str, target: str) -> str:
        places = list(_HREF.finditer(source))
        if len(places) != 1:
            message = "A link has one href, in quotes. Write it so."
            self.problems.append(self.draft.problem_at(html.escape(target), message))
            return source
        place = places[0]
        return f'{source[: place.start(2)]}"{self._link(target)}"{source[place.end(2) :]}'

    def _link(self, target: str) -> str:
        """What stands in the href: a mask for a tracked link, or the target itself."""
        masks = self.draft.masks
        numbers = masks.found(target)
        name = self._whole_field(target, numbers)
        if name in OWN_ADDRESSES or target.startswith("#"):
            return html.escape(target)
        if name in TRACKED_ADDRESSES:
            return self._dynamic("{{ " + name + " | escape }}")
        if target.lower().startswith(OTHER_SCHEMES):
            return self._encoded(html.escape(target))
        if not numbers:
            return self._static(target)
        if not has_fixed_host(masks.pattern.split(target)[0]):
            self.problems.append(self.draft.problem_at_tag(numbers[0], _FIXED_HOST_NEEDED))
            return ""
        return self._dynamic(masks.unmask(self._encoded(html.escape(target))))

    def _static(self, target: str) -> str:
        if fault := fault_of(target):
            message = f'The link to "{target[:80]}" cannot be used. {fault}'
            self.problems.append(self.draft.problem_at(html.escape(target), message))
            return ""
        self.targets.append(target)
        return self.draft.masks.add("{{ " + f"{LINKS}[{len(self.targets) - 1}]" + " }}")

    def _dynamic(self, target: str) -> str:
        return self.draft.masks.add("{% filter " + TRACKED + " %}" + target + "{% endfilter %}")

    def _whole_field(self, target: str, numbers: list[int]) -> str:
        """The merge field that is the whole target, or nothing."""
        masks = self.draft.masks
        if len(numbers) != 1 or masks.pattern.sub("", target) or not masks.is_output(numbers[0]):
            return ""
        return masks.source(numbers[0])[2:-2].strip("-+ ")

    def _encoded(self, target: str) -> str:
        """The target with every value in it percent-encoded."""
        masks = self.draft.masks

        def encode(match: re.Match[str]) -> str:
            source = masks.source(int(match[1]))
            if not source.startswith("{{"):
                return match[0]
            inner = source[2:-2].strip("-+ ")
            already = inner.endswith("urlencode")
            return masks.add(source if already else "{{ (" + inner + ") | urlencode }}")

        return masks.pattern.sub(encode, target)
