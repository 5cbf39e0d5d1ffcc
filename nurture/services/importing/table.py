"""Reads a CSV as it comes out of other programs: any usual encoding, separator and line end."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from charset_normalizer import from_bytes

from nurture.domain.errors import FileError, Problem

if TYPE_CHECKING:
    from _csv import Reader

MAX_BYTES = 200 * 1024 * 1024
MAX_COLUMNS = 500
MAX_CELL = 128 * 1024
_SEPARATORS = ",;\t|"
_BEFORE_HEADER = re.compile(r"[\ufeff\r\n]*(?:sep=([,;\t|:^]) *[\r\n]+)?", re.IGNORECASE)
"""Blank lines, and Excel's own first line, which names the separator."""

_ANOTHER_ALPHABET = re.compile(rb"[\x80-\xff]{4,}")
_ACCENTED = re.compile(rb"[A-Za-z][\x80-\xff]{1,2}(?![\x80-\xff])|(?<![\x80-\xff])[\x80-\xff]{1,2}[A-Za-z]")
_POLISH = re.compile(rb"[a-z\xc0-\xff][\xb3\xb9\xbf][a-z\xc0-\xff]|(?<![a-z0-9])[\xa3\xaf][a-z]")
_OTHER_ALPHABETS = ["cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "gb18030", "big5", "cp932", "euc_kr"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row by column name, with the line of the file that it begins on.

    `fault` says why it cannot be used, where that shows before its cells are looked at.
    """

    line: int
    cells: dict[str, str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file's header and text; iterate `rows()`."""

    name: str
    header: tuple[str, ...]
    separator: str
    text: str
    skipped_lines: int = 0

    def rows(self) -> Iterator[Row]:
        """Every row that is not blank; one that cannot be read is a row with a fault."""
        reader = _reader(self.text, self.separator)
        next(reader)
        ended = self.skipped_lines + reader.line_num
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as fault:
                # The reader goes on with the next line, so that one lost quote does not lose the file.
                yield Row(ended + 1, {}, f"cannot be read as CSV ({fault}); is a quote missing?")
            else:
                if any(cell.strip() for cell in cells):
                    yield self._row(ended + 1, cells)
            ended = self.skipped_lines + reader.line_num

    def count(self) -> int:
        """How many lines follow the header, about: for a progress bar."""
        return self.text.count("\n") + (not self.text.endswith("\n")) - 1

    def _row(self, line: int, cells: list[str]) -> Row:
        spare = len(cells) - len(self.header)
        named = dict(zip(self.header, (cell.strip() for cell in cells), strict=False))
        if spare <= 0:
            return Row(line, named)
        return Row(line, named, f"has {spare} cells more than the header; is a separator missing its quotes?")


def read_table(path: Path) -> Table:
    """Read a CSV file.

    Raises:
        FileError: it is not there, not text, too large or has no usable header.
    """
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as fault:
        raise FileError(Problem(str(path), None, "", f"cannot be read: {fault.strerror}")) from fault
    if size > MAX_BYTES:
        raise FileError(
            Problem(str(path), None, "", f"is {size} bytes long; split it into files below {MAX_BYTES} bytes")
        )
    return parse_table(str(path), raw)


def parse_table(name: str, raw: bytes) -> Table:
    """Make a table of a file's bytes.

    Raises:
        FileError: it is not text, or has no usable header.
    """
    if raw[:4] == b"PK\x03\x04":
        raise FileError(Problem(name, 1, "", "is a ZIP or spreadsheet file; save it as CSV first"))
    whole = _decode(raw).replace("\x00", "")
    before = _BEFORE_HEADER.match(whole)
    skipped = before.end() if before else 0
    text = whole[skipped:]
    try:
        headers = {mark: next(_reader(text, mark), []) for mark in (before and before[1]) or _SEPARATORS}
    except csv.Error as fault:
        raise FileError(Problem(name, 1, "", f"the header cannot be read as CSV: {fault}")) from fault
    # The right separator is the one that makes the most columns.
    separator = max(headers, key=lambda candidate: len(headers[candidate]))
    header = tuple(cell.strip().lower() for cell in headers[separator])
    _check_header(name, header)
    return Table(name, header, separator, text, skipped_lines=len(whole[:skipped].splitlines()))


def _reader(text: str, separator: str) -> "Reader":
    csv.field_size_limit(MAX_CELL)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _check_header(name: str, header: tuple[str, ...]) -> None:
    if not any(header):
        raise FileError(Problem(name, 1, "", "is empty; the first line must name the columns"))
    if len(header) > MAX_COLUMNS:
        raise FileError(
            Problem(
                name,
                1,
                "",
                f"has {len(header)} columns; at most {MAX_COLUMNS} are read. Leave out what is not needed",
            )
        )
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        raise FileError(Problem(name, 1, twice[0], "this column stands twice in the header; rename one"))


def _decode(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode(_legacy_encoding(raw[:100_000]), errors="replace")


def _legacy_encoding(raw: bytes) -> str:
    """What a file that is not Unicode is probably written in.

    Detectors guess badly from a few names, and mostly the answer is Western Europe's. Another alphabet
    shows as whole words beyond ASCII; only then is the detector asked.
    """
    if len(_ANOTHER_ALPHABET.findall(raw)) > len(_ACCENTED.findall(raw)):
        guess = from_bytes(raw, cp_isolation=_OTHER_ALPHABETS).best()
        return guess.encoding if guess is not None else "cp1252"
    return "cp1250" if _POLISH.search(raw) else "cp1252"
