"""Reading YAML as marketers mean it: scalars stay text, every key knows its line, nothing surprising runs.

YAML 1.1 turns `no` into False and `12:30:00` into 45000, so no scalar is interpreted here; the models that
read the result type it. Aliases, tags and repeated keys are refused: a file that needs them is a trap.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

import yaml

from nurture.domain.errors import FileError, Problem

KeyPath = tuple[str | int, ...]
"""The way to a value from the top of a file: keys of mappings, positions in lists."""

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
MAX_VALUES = 20_000

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as it was read: plain dicts, lists and texts, and the line of every value in it."""

    file: str
    source: str
    data: object
    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """The line of the value at `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: KeyPath, message: str) -> Problem:
        """A fault at `path` of this file."""
        return Problem(self.file, self.line(path), spell(path), message)


def spell(path: KeyPath) -> str:
    """A key path as people write it: `steps[2].send.template`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def value_at(data: object, path: KeyPath) -> object:
    """What stands at a key path, or None."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def decode(raw: bytes, file: str) -> str:
    """The text of a file, with its line ends as they are.

    Raises:
        FileError: it is not UTF-8, holds characters that are no text, or is too large.
    """
    if len(raw) > MAX_BYTES:
        raise FileError(
            Problem(file, None, "", f"The file is larger than {MAX_BYTES // 1024} kB. Cut it into several.")
        )
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FileError(Problem(file, line, "", "This is not UTF-8 text. Save the file as UTF-8.")) from None
    if bad := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise FileError(
            Problem(file, line, "", f"The character U+{ord(bad[0]):04X} is not allowed here. Remove it.")
        )
    return text


def read_yaml(source: str, file: str, first_line: int = 1) -> Sheet:
    """Read one YAML document; `first_line` is where it begins in its file.

    Raises:
        FileError: it is not YAML, or uses what is refused here; the line is named.
    """
    reader = _Reader(file, first_line, {}, _events(source.removeprefix("\ufeff"), file, first_line))
    data = reader.document()
    return Sheet(file, source, data, reader.lines)


def _events(source: str, file: str, first_line: int) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(source, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        raise FileError(Problem(file, line, "", f"This is not YAML: {_plainly(error)}.")) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # Escapes for code points that do not exist arrive as ValueError.
        raise FileError(
            Problem(file, first_line, "", "This is not YAML: a character in it cannot be read.")
        ) from None


def _plainly(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "it cannot be read"
    return f"{problem} ({error.context})" if error.context else problem


@dataclass(slots=True)
class _Reader:
    """Builds the document out of the parser's events; never deeper or larger than the limits."""

    file: str
    first_line: int
    lines: dict[KeyPath, int]
    events: Iterator[yaml.Event]

    def document(self) -> object:
        data: object = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, (), 'A second document begins here. Remove the line "---".')
            elif not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                data = self._value(event, ())
        return data

    def _value(self, event: yaml.Event, path: KeyPath) -> object:
        self.lines.setdefault(path, self._line(event))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            self._refuse(event, path, 'Aliases ("&name", "*name") are not allowed. Write the value out.')
        if (tag := getattr(event, "tag", None)) is not None:
            self._refuse(event, path, f'The tag "{tag}" is not allowed. Write a plain value.')
        if len(path) > MAX_DEPTH:
            self._refuse(event, path, f"This is nested deeper than {MAX_DEPTH} levels. Make it flatter.")
        if len(self.lines) > MAX_VALUES:
            self._refuse(event, path, f"The file holds more than {MAX_VALUES:,} values. Cut it into several.")
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(path)
            case yaml.SequenceStartEvent():
                return self._sequence(path)
            case yaml.ScalarEvent():
                return self._scalar(event, path)
            case _:
                self._refuse(event, path, "This cannot be read here.")

    def _mapping(self, path: KeyPath) -> dict[str, object]:
        found: dict[str, object] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor is not None:
                self._refuse(event, path, "A key must be a plain word.")
            key = self._text(event, path)
            if key in found:
                self._refuse(event, (*path, key), f'The key "{key}" stands here twice. Keep one of them.')
            self.lines[(*path, key)] = self._line(event)
            found[key] = self._value(next(self.events), (*path, key))
        return found

    def _sequence(self, path: KeyPath) -> list[object]:
        found: list[object] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> str | None:
        text = self._text(event, path)
        return None if not event.style and text in _NULLS else text

    def _text(self, event: yaml.ScalarEvent, path: KeyPath) -> str:
        text: str = event.value
        if bad := _UNPRINTABLE.search(text):
            self._refuse(event, path, f"The character U+{ord(bad[0]):04X} is not allowed here. Remove it.")
        return text

    def _line(self, event: yaml.Event) -> int:
        return self.first_line + (event.start_mark.line if event.start_mark else 0)

    def _refuse(self, event: yaml.Event, path: KeyPath, message: str) -> NoReturn:
        raise FileError(Problem(self.file, self._line(event), spell(path), message))
