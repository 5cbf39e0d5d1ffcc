"""Hits that the database could not take: kept in a file, and brought back when it can."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from nurture.store.base import chunks
from nurture.store.hits import NewHit

log = structlog.get_logger(__name__)

Commit = Callable[[Sequence[NewHit]], None]
"""Writes hits into the database, all or none."""

PORTION = 1000
_HIT = TypeAdapter(NewHit)


class Spool:
    """A file of hits, one a line; several processes may share it.

    A crash while hits are brought back may bring the last portion twice: none is lost, and a link that was
    clicked twice by the same person counts once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._set_aside = path.with_name(f"{path.stem}.set-aside{path.suffix}")

    @property
    def holds_any(self) -> bool:
        """Whether anything waits to be brought back."""
        return self._path.exists()

    def add(self, hits: Sequence[NewHit]) -> None:
        """Keep hits, on disk before it returns.

        Raises:
            OSError: the file cannot be written.
        """
        with self._alone():
            _append(self._path, [_HIT.dump_json(hit).decode() for hit in hits])

    def bring_back(self, commit: Commit) -> bool:
        """Commit what is kept, and forget it; says whether all of it is settled.

        Lines that are no hits, and hits that the database refuses, are set aside in a file of their own.

        Raises:
            OSError: the file cannot be read or written.
        """
        with self._alone():
            lines = self._path.read_bytes().decode(errors="replace").splitlines() if self.holds_any else []
            waiting = list(chunks(filter(str.strip, lines), PORTION))
            while waiting:
                refused = _settle(waiting[0], commit)
                if refused is None:
                    self._write_anew([line for portion in waiting for line in portion])
                    return False
                self._put_aside(refused)
                waiting.pop(0)
            self._path.unlink(missing_ok=True)
            return True

    def _put_aside(self, lines: Sequence[str]) -> None:
        if lines:
            log.error("hits were set aside", action="hits", count=len(lines), file=str(self._set_aside))
            _append(self._set_aside, lines)

    def _write_anew(self, lines: Sequence[str]) -> None:
        draft = self._path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        _append(draft, lines)
        draft.replace(self._path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            # The kernel lets go of the lock when the process dies.
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _settle(lines: Sequence[str], commit: Commit) -> list[str] | None:
    """Commit a portion; returns the lines that nobody can use, or None where the database is away."""
    hits = {line: hit for line in lines if (hit := _read(line)) is not None}
    refused = [line for line in lines if line not in hits]
    try:
        commit([hits[line] for line in lines if line in hits])
    except Exception as error:
        if not _blames_a_hit(error):
            return None
        log.exception("a portion of hits was refused; each is tried alone", action="hits")
        return refused + _settle_each(hits, commit)
    return refused


def _settle_each(hits: dict[str, NewHit], commit: Commit) -> list[str]:
    refused = []
    for line, hit in hits.items():
        try:
            commit([hit])
        except Exception:
            # It was refused on its own, so it is this hit that is at fault, and it goes aside with its line.
            log.exception("a hit was refused", action="hits", message_id=hit.message_id)
            refused.append(line)
    return refused


def _blames_a_hit(error: Exception) -> bool:
    """Whether a value is at fault, rather than the database: away, locked, full or without its tables."""
    if isinstance(error, DataError | IntegrityError):
        return True
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return True
    return not isinstance(error, SQLAlchemyError | OSError)


def _read(line: str) -> NewHit | None:
    try:
        hit = _HIT.validate_json(line)
    except ValidationError:
        return None
    return hit if hit.at.tzinfo is not None else None


def _append(path: Path, lines: Sequence[str]) -> None:
    # A line broken off by a crash must not swallow the next one, hence the line break in front.
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(f"\n{line}" for line in lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
