"""Hits on their way to the database: many in one durable commit, and none lost while it is away."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from nurture.services.runtime import Runtime
from nurture.store.hits import NewHit, record_hits
from nurture.web.spool import Spool

log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.002
OPENS_MAY_WAIT_SECONDS = 0.1
CLICKS_MAY_WAIT_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 5.0
AT_MOST = 1000
CROWDED = 10 * AT_MOST


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A hit on its way, and whom to tell once it is on disk; without a hit, just somebody to tell."""

    hit: NewHit | None
    done: threading.Event | None


class HitWriter:
    """Commits hits in groups. A click is answered after its commit; an open may wait up to 100 ms.

    When the commit fails the hits go to a file beside the database, and back from it when it works again.
    """

    def __init__(
        self, runtime: Runtime, spool: Path, *, look_again_seconds: float = LOOK_AGAIN_SECONDS
    ) -> None:
        self._runtime = runtime
        self._look_again_seconds = look_again_seconds
        self._spool = Spool(spool)
        self._wanted = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._closed = False
        self._thread: threading.Thread | None = None
        self._look_again_at = 0.0
        if self._spool.holds_any:
            with self._wanted:
                self._ensure_running()

    def put(self, hit: NewHit, *, durable: bool) -> None:
        """Record a hit; where `durable`, return only when it is on disk (database or spool)."""
        # When opens come faster than the disk takes them they wait too, rather than fill the memory.
        self._enqueue(hit, wait=durable or len(self._waiting) > CROWDED)

    def flush(self) -> None:
        """Return when everything that was put before is on disk."""
        self._enqueue(None, wait=True)

    def close(self) -> None:
        """Write what is left and stop."""
        with self._wanted:
            self._closed = True
            self._wanted.notify()
        if self._thread is not None:
            self._thread.join(timeout=CLICKS_MAY_WAIT_SECONDS)

    def _enqueue(self, hit: NewHit | None, *, wait: bool) -> None:
        done = threading.Event() if wait else None
        with self._wanted:
            self._ensure_running()
            self._waiting.append(_Waiting(hit, done))
            self._wanted.notify()
        if done is not None and not done.wait(CLICKS_MAY_WAIT_SECONDS):
            log.error("a hit is still not on disk", action="hits", waiting=len(self._waiting))

    def _ensure_running(self) -> None:
        # The thread starts with the first hit, so that it belongs to the process that serves it.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="hits", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            self._keep([waiting.hit for waiting in batch if waiting.hit is not None])
            for waiting in batch:
                if waiting.done is not None:
                    waiting.done.set()
            self._bring_back()

    def _next_batch(self) -> list[_Waiting] | None:
        """The next hits to write; none when it is time to look at the spool; None when all is done."""
        with self._wanted:
            patience = self._look_again_seconds if self._spool.holds_any else None
            self._wanted.wait_for(lambda: self._waiting or self._closed, patience)
            if self._closed and not self._waiting:
                self._thread = None
                return None
            self._wanted.wait_for(self._somebody_waits, OPENS_MAY_WAIT_SECONDS if self._waiting else 0)
            self._wanted.wait_for(self._enough, GATHER_SECONDS if self._waiting else 0)
            batch, self._waiting = self._waiting[:AT_MOST], self._waiting[AT_MOST:]
            return batch

    def _somebody_waits(self) -> bool:
        return self._enough() or any(waiting.done is not None for waiting in self._waiting)

    def _enough(self) -> bool:
        return self._closed or len(self._waiting) >= AT_MOST

    def _keep(self, hits: Sequence[NewHit]) -> None:
        try:
            self._commit(hits)
        except Exception:
            # Whatever it is, the hits must not go with it: the spool finds out which of them is at fault.
            log.exception("hits were spooled", action="hits", count=len(hits))
            self._to_spool(hits)

    def _to_spool(self, hits: Sequence[NewHit]) -> None:
        self._look_again_at = time.monotonic() + self._look_again_seconds
        try:
            self._spool.add(hits)
        except OSError:
            log.exception(
                "hits were lost: neither database nor disk takes them", action="hits", count=len(hits)
            )

    def _bring_back(self) -> None:
        if not self._spool.holds_any or time.monotonic() < self._look_again_at:
            return
        self._look_again_at = time.monotonic() + self._look_again_seconds
        try:
            self._spool.bring_back(self._commit)
        except OSError:
            log.exception("the spool cannot be read", action="hits")

    def _commit(self, hits: Sequence[NewHit]) -> None:
        if hits:
            with self._runtime.write() as session:
                record_hits(session, hits)
