"""Reads a CSV as it comes out of other programs: any usual encoding, separator and line end."""

import csv
import io
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


@dataclass(frozen=True, slots=True)
class Row:
    """One row by column name, with its line in the file; `spare` are cells beyond the header."""

    line: int
    cells: dict[str, str]
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A file's header and text; iterate `rows()`."""

    name: str
    header: tuple[str, ...]
    separator: str
    text: str

    def rows(self) -> Iterator[Row]:
        """Every row that is not blank.

        Raises:
            FileError: the file breaks off inside a quoted cell, or a cell is absurdly long.
        """
        reader = self._reader()
        next(reader)
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    named = dict(zip(self.header, (cell.strip() for cell in cells), strict=False))
                    spare = max(0, len(cells) - len(self.header))
                    yield Row(reader.line_num, named, spare)
        except csv.Error as fault:
            raise FileError(
                Problem(self.name, reader.line_num, "", f"this line cannot be read as CSV: {fault}")
            ) from fault

    def count(self) -> int:
        """How many lines follow the header, about: for a progress bar."""
        return max(0, self.text.count("\n") - 1)

    def _reader(self) -> "Reader":
        csv.field_size_limit(MAX_CELL)
        return csv.reader(io.StringIO(self.text, newline=""), delimiter=self.separator)


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
    text = _decode(raw).replace("\x00", "")
    first = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=first.count) if any(mark in first for mark in _SEPARATORS) else ","
    table = Table(name, (), separator, text)
    try:
        header = tuple(cell.strip().strip("\ufeff").lower() for cell in next(table._reader(), []))
    except csv.Error as fault:
        raise FileError(Problem(name, 1, "", f"the header cannot be read as CSV: {fault}")) from fault
    _check_header(name, header)
    return Table(name, header, separator, text)


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
    # What is not UTF-8 comes from Windows or an old export. All of these share the letters of Western
    # Europe; the detector is asked only for the others.
    guess = from_bytes(raw[:100_000], cp_isolation=["cp1250", "cp1251", "cp1252", "cp1253", "cp1254"]).best()
    encoding = guess.encoding if guess is not None else "cp1252"
    return raw.decode(encoding, errors="replace")
