"""Where letters come from: due messages are claimed, a batch at a time, and prepared one by one."""

from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from types import TracebackType

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from nurture.config import Settings
from nurture.domain.sending import MessageState
from nurture.services.deliver.load import Backdrop, load
from nurture.services.deliver.pace import Faults, Pace
from nurture.services.deliver.prepare import Ready, prepare
from nurture.services.deliver.tally import Tally
from nurture.services.runtime import Runtime
from nurture.services.switches import stops
from nurture.store import buckets
from nurture.store.dbclock import on_postgresql
from nurture.store.messages import FROM_CLAIM, Claimed, Outcome, claim, record, release
from nurture.store.schema import Setting

log = structlog.get_logger(__name__)

FIRST_HOUR = timedelta(hours=1)
MAX_BUSY = 200
"""How often messages are tried whose lead or campaign somebody else is changing just then."""

WHILE = timedelta(seconds=10)
"""How long they rest after that."""


class Supply(AbstractContextManager["Supply"]):
    """Gives out letters until nothing is due, and back to the outbox what it has not given out."""

    def __init__(self, runtime: Runtime, now: datetime, pace: Pace, tally: Tally, faults: Faults) -> None:
        self._runtime, self._now, self._pace = runtime, now, pace
        self._tally, self._faults = tally, faults
        self._claimed: deque[Claimed] = deque()
        self._busy: deque[Ready] = deque()
        self._times_busy = 0
        self._backdrop: Backdrop | None = None
        self._dry = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held = [*self._claimed, *(ready.message for ready in self._busy)]
        self._claimed.clear()
        self._busy.clear()
        if not held:
            return
        # Where the database is gone, the leases lapse by themselves.
        with suppress(OperationalError), self._runtime.write() as session:
            release(session, held, self._now)

    def take(self, count: int) -> list[Ready]:
        """At most `count` letters; none when nothing more is due or allowed in this turn."""
        ready: list[Ready] = []
        aside: list[Outcome] = []
        while self._busy and len(ready) < count:
            ready.append(self._busy.popleft())
        while len(ready) < count and (self._claimed or self._claim()):
            assert self._backdrop is not None  # noqa: S101 - it is read with every claim.
            prepared = prepare(self._runtime, self._claimed.popleft(), self._backdrop, self._now)
            if isinstance(prepared, Ready):
                ready.append(prepared)
            else:
                aside.append(prepared)
        self._set_aside(aside)
        return ready

    def put_back(self, letters: Sequence[Ready]) -> None:
        """Keep letters for a moment whose rows were locked by somebody else."""
        self._times_busy += len(letters)
        if self._times_busy < MAX_BUSY:
            self._busy.extend(letters)
            return
        self._set_aside(
            [
                Outcome(r.message.id, r.message.token, MessageState.PENDING, due_at=self._now + WHILE)
                for r in letters
            ]
        )

    def fail(self, ready: Ready, error: Exception) -> None:
        """Give up a letter that the database will not have."""
        log.error("message not kept", action="deliver", message_id=ready.message.id, error=str(error)[:500])
        sentence = f"The database refuses its content: {type(error).__name__}."
        self._set_aside(
            [Outcome(ready.message.id, ready.message.token, MessageState.FAILED, "failed", "error", sentence)]
        )

    def _claim(self) -> bool:
        """Claim and read the next batch; False when there is none."""
        if self._dry:
            return False
        with self._runtime.write() as session:
            batch = self._claim_allowed(session)
        self._dry = not batch
        if not batch:
            return False
        self._claimed.extend(batch)
        self._faults("claimed")
        with self._runtime.read() as session:
            self._backdrop = load(session, batch, self._now)
        return True

    def _claim_allowed(self, session: Session) -> list[Claimed]:
        if stops(session):
            return []
        name = self._runtime.mailer.name
        rate = rate_now(session, self._runtime.settings, self._now)
        gate = buckets.look(session, name, rate, self._pace.batch)
        if not gate.allowance:
            return []
        batch = claim(session, self._now, gate.allowance, self._pace.lease)
        buckets.spend(session, name, rate, len(batch))
        return batch

    def _set_aside(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        with self._runtime.write() as session:
            self._tally.count(outcomes, record(session, outcomes, FROM_CLAIM, self._now))


def rate_now(session: Session, settings: Settings, now: datetime) -> float | None:
    """Messages a second that may be sent now; a new installation may have to begin slowly."""
    if settings.first_rate is None:
        return settings.rate
    upsert = postgresql.insert if on_postgresql(session) else sqlite.insert
    begun = {"name": "first_delivery", "value": {}, "updated_at": now}
    session.execute(upsert(Setting).values(begun).on_conflict_do_nothing(index_elements=[Setting.name]))
    began_at = session.scalars(select(Setting.updated_at).where(Setting.name == "first_delivery")).one()
    return settings.first_rate if now - began_at < FIRST_HOUR else settings.rate
