"""Hits on their way to the database: many in one durable commit, and none lost while it is away."""

import json
import threading
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from nurture.domain.engagement import HitKind
from nurture.services.runtime import Runtime
from nurture.store.hits import NewHit, record_hits

log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.002
OPENS_MAY_WAIT_SECONDS = 0.1
AT_MOST = 1000


class HitWriter:
    """Commits hits in groups. A click is answered after its commit; an open may wait up to 100 ms.

    When the commit fails the hits go to a file beside the database, and back from it when it works again.
    """

    def __init__(self, runtime: Runtime, spool: Path) -> None:
        self._runtime = runtime
        self._spool = spool
        self._mutex = threading.Lock()
        self._wanted = threading.Condition(self._mutex)
        self._waiting: list[tuple[NewHit, threading.Event | None]] = []
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(self, hit: NewHit, *, durable: bool) -> None:
        """Record a hit; where `durable`, return only when it is on disk (database or spool)."""
        done = threading.Event() if durable else None
        with self._wanted:
            self._ensure_running()
            self._waiting.append((hit, done))
            if durable or len(self._waiting) == 1:
                self._wanted.notify()
        if done is not None:
            done.wait(timeout=10)

    def close(self) -> None:
        """Write what is left and stop."""
        with self._wanted:
            self._closed = True
            self._wanted.notify()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _ensure_running(self) -> None:
        # The thread starts with the first hit, so that it belongs to the process that serves it.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="hits", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while batch := self._next_batch():
            hits = [hit for hit, _ in batch]
            try:
                self._unspool()
                self._commit(hits)
            except (SQLAlchemyError, OSError):
                log.exception("hits were spooled", action="hits", count=len(hits))
                self._to_spool(hits)
            for _, done in batch:
                if done is not None:
                    done.set()

    def _next_batch(self) -> list[tuple[NewHit, threading.Event | None]]:
        with self._wanted:
            while not self._waiting and not self._closed:
                self._wanted.wait()
            urgent = any(done for _, done in self._waiting)
            if not self._closed:
                self._wanted.wait_for(self._is_urgent, GATHER_SECONDS if urgent else OPENS_MAY_WAIT_SECONDS)
            batch, self._waiting = self._waiting[:AT_MOST], self._waiting[AT_MOST:]
            return batch

    def _is_urgent(self) -> bool:
        return self._closed or len(self._waiting) >= AT_MOST

    def _commit(self, hits: list[NewHit]) -> None:
        with self._runtime.write() as session:
            record_hits(session, hits)

    def _to_spool(self, hits: list[NewHit]) -> None:
        self._spool.parent.mkdir(parents=True, exist_ok=True)
        with self._spool.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(hit), default=str) + "\n" for hit in hits)

    def _unspool(self) -> None:
        if not self._spool.exists():
            return
        lines = self._spool.read_text(encoding="utf-8").splitlines()
        self._commit([_read(line) for line in lines if line.strip()])
        self._spool.unlink()


def _read(line: str) -> NewHit:
    record = json.loads(line)
    return NewHit(**{**record, "kind": HitKind(record["kind"]), "at": datetime.fromisoformat(record["at"])})
