"""Jinja's tags, found in a text and hidden from tools that would take them for markup.

MJML and HTML parsers choke on `{% if a < b %}` and may silently move a tag out of its table. Hidden behind
a plain word each tag survives; whoever puts the tags back compares their order with what it was.
"""

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_TAG_LENGTH = 300
_CLOSERS = {"{{": "}}", "{%": "%}"}
_OPENER = re.compile(r"\{[{%#]")


class UnclosedTag(Exception):
    """A Jinja tag that does not end, or is too long; `start` is where it begins."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start = start


@dataclass(frozen=True, slots=True)
class Tag:
    """One `{{ … }}`, `{% … %}` or `{# … #}` and where it stands."""

    start: int
    source: str

    @property
    def end(self) -> int:
        return self.start + len(self.source)

    @property
    def is_output(self) -> bool:
        """Whether it prints a value."""
        return self.source.startswith("{{")

    @property
    def is_comment(self) -> bool:
        return self.source.startswith("{#")

    @property
    def inner(self) -> str:
        """What stands between the braces."""
        return self.source[2:-2].strip("+-").strip()


def tags(text: str, limit: int = MAX_TAG_LENGTH) -> Iterator[Tag]:
    """Every Jinja tag of a text, in order.

    Raises:
        UnclosedTag: one does not end within `limit` characters (comments may be longer).
    """
    position = 0
    while opener := _OPENER.search(text, position):
        start = opener.start()
        end = _end_of_comment(text, start) if opener[0] == "{#" else _end_of_tag(text, start, limit)
        yield Tag(start, text[start:end])
        position = end


def _end_of_comment(text: str, start: int) -> int:
    end = text.find("#}", start + 2)
    if end < 0:
        raise UnclosedTag(start)
    return end + 2


def _end_of_tag(text: str, start: int, limit: int) -> int:
    closer, quote = _CLOSERS[text[start : start + 2]], ""
    for position in range(start + 2, min(len(text), start + limit)):
        character = text[position]
        if quote:
            # Jinja reads a backslash in a string as an escape, so an escaped quote does not end it.
            if character == quote and text[position - 1] != "\\":
                quote = ""
        elif character in "\"'":
            quote = character
        elif text.startswith(closer, position):
            return position + 2
    raise UnclosedTag(start)


@dataclass(slots=True)
class Masks:
    """The words that stand for tags; `add` makes more of them."""

    prefix: str
    sources: list[str]

    def add(self, source: str) -> str:
        """A new word that stands for `source`."""
        self.sources.append(source)
        return f"{self.prefix}n{len(self.sources) - 1}x"

    def found(self, text: str) -> list[int]:
        """The numbers of the words in a text, in order."""
        return [int(match[1]) for match in self.pattern.finditer(text)]

    def source(self, number: int) -> str:
        """The tag that a word stands for."""
        return self.sources[number]

    def is_output(self, number: int) -> bool:
        return self.sources[number].startswith("{{")

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(f"{self.prefix}n(\\d{{1,6}})x")

    def unmask(self, text: str) -> str:
        """The text with its tags in their places."""
        return self.pattern.sub(lambda match: self.sources[int(match[1])], text)


def without_comments(text: str) -> str:
    """The text without `{# … #}`, its lines where they were.

    Raises:
        UnclosedTag: see `tags`.
    """
    parts: list[str] = []
    position = 0
    for tag in tags(text):
        if tag.is_comment:
            parts += (text[position : tag.start], "\n" * tag.source.count("\n"))
            position = tag.end
    return "".join(parts) + text[position:]


def mask(text: str) -> tuple[str, Masks, list[Tag]]:
    """A text without comments, with a word in the place of every tag; the words; the tags by number.

    Raises:
        UnclosedTag: see `tags`.
    """
    masks = Masks(_unused_prefix(text), [])
    parts: list[str] = []
    found: list[Tag] = []
    position = 0
    for tag in tags(text):
        parts += (text[position : tag.start], masks.add(tag.source))
        found.append(tag)
        position = tag.end
    parts.append(text[position:])
    return "".join(parts), masks, found


def _unused_prefix(text: str) -> str:
    """A word that does not occur in the text; the same for the same text."""
    for salt in itertools.count():
        prefix = "jx" + hashlib.sha256(f"{salt}\0{text}".encode()).hexdigest()[:6]
        if prefix not in text:
            return prefix
    raise AssertionError("unreachable: itertools.count does not end")
