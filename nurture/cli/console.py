"""What commands print: results to standard output, everything else to standard error.

Text that comes from outside (names, file contents, error messages) is shown as it is: no markup is read
from it, and characters that would steer a terminal are spelled out.
"""

import json
import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 200
"""How wide a table may become where there is no terminal whose width it has to fit."""


def result(text: str, style: str = "") -> None:
    """One line of a command's result."""
    _console(stderr=False).print(Text(plain(text), style), soft_wrap=True)


def note(text: str) -> None:
    """Something that a person may want to know beside the result."""
    _console(stderr=True).print(Text(plain(text)), soft_wrap=True)


def warn(text: str) -> None:
    """Something that works, but is unwise."""
    _console(stderr=True).print(Text("Warning: ", "yellow"), Text(plain(text)), sep="", soft_wrap=True)


def complain(text: str) -> None:
    """Why a command failed."""
    _console(stderr=True).print(Text("Error: ", "bold red"), Text(plain(text)), sep="", soft_wrap=True)


def as_json(value: object) -> None:
    """A result for scripts."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A result in rows; nothing is printed where there are none."""
    shown = Table(title=Text(plain(title), "bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        shown.add_column(Text(column), overflow="fold")
    for row in rows:
        shown.add_row(*(Text(plain("" if cell is None else str(cell))) for cell in row))
    if shown.row_count:
        _console(stderr=False).print(shown)


def plain(text: str) -> str:
    """`text` without anything that steers a terminal: such characters are spelled out."""
    return "".join(
        character if character.isprintable() or character == "\n" else f"\\x{ord(character):02x}"
        for character in text
    )


def _console(*, stderr: bool) -> Console:
    # Made anew each time: standard output may be another one by now (tests, redirections).
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDE
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)
