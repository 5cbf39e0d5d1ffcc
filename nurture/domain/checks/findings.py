"""What a rule says of a file."""

from dataclasses import dataclass
from enum import StrEnum

KeyPath = tuple[str | int, ...]


class Severity(StrEnum):
    """An error keeps files from being applied; a warning is worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing at one place: the file, the key path in it, and a sentence that says what to do."""

    severity: Severity
    file: str
    path: KeyPath
    message: str


def error(file: str, path: KeyPath, message: str) -> Finding:
    """Something that cannot work."""
    return Finding(Severity.ERROR, file, path, message)


def warning(file: str, path: KeyPath, message: str) -> Finding:
    """Something that is probably not meant."""
    return Finding(Severity.WARNING, file, path, message)
