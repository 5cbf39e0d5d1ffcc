"""What is wrong with this installation, from figures that must agree and clocks that must tick."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from nurture.domain.sending import MessageState
from nurture.services.runtime import Runtime
from nurture.services.sweep import BOUNDS, Bounds
from nurture.services.switches import RESTORE_HOLD, Stop, mailers_stopped, stops
from nurture.store.beats import Beat, beats
from nurture.store.dbclock import database_clock, on_postgresql
from nurture.store.messages import (
    Doubt,
    counts_by_state,
    in_doubt,
    open_too_long,
    pieces_held_in_vain,
    planned_by_decisions,
    unlogged,
)
from nurture.store.schema import Campaign, Message

LISTED = 100
"""How many messages in doubt are named."""

OVERDUE = timedelta(minutes=10)
"""How long a message may be due without being handed over."""

SETTLE_WITHIN = timedelta(hours=24)
"""How long a message may stay unconfirmed: providers report for a day."""

POSTGRESQL_SETTINGS = {
    "synchronous_commit": ("off", "an intent could be lost with the power, and its mail be sent twice"),
    "fsync": ("off", "a committed intent could be lost with the power"),
    "idle_in_transaction_session_timeout": ("0", "a cut-off worker would hold its locks for hours"),
}
"""Settings, the value that breaks a promise, and how."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found; `problems` are sentences that say what to do."""

    at: datetime
    backend: str
    messages: Mapping[str, int]
    planned: int
    in_doubt: int
    in_doubt_max: int
    doubts: tuple[Doubt, ...]
    overdue: int
    stops: tuple[Stop, ...]
    mailers_stopped: Mapping[str, str]
    heartbeats: tuple[Beat, ...]
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data for scripts and health checks."""
        return {
            "ok": not self.problems,
            "at": self.at.isoformat(),
            "database": self.backend,
            "messages": dict(self.messages),
            "planned": self.planned,
            "in_doubt": self.in_doubt,
            "in_doubt_max": self.in_doubt_max,
            "in_doubt_messages": [asdict(doubt) for doubt in self.doubts],
            "overdue": self.overdue,
            "stops": [
                {"name": s.name, "since": s.since.isoformat(), "by": s.by, "reason": s.reason}
                for s in self.stops
            ],
            "mailers_stopped": dict(self.mailers_stopped),
            "heartbeats": {
                beat.job: {
                    "at": beat.at.isoformat(),
                    "late": beat.late,
                    "took_ms": beat.took_ms,
                    "error": beat.error,
                }
                for beat in self.heartbeats
            },
            "problems": list(self.problems),
        }


def diagnose(runtime: Runtime, now: datetime, bounds: Bounds = BOUNDS) -> Diagnosis:
    """Look at everything that must hold; reads only."""
    with runtime.read() as session:
        counts = counts_by_state(session)
        return Diagnosis(
            at=now,
            backend=session.get_bind().dialect.name,
            messages=counts,
            planned=planned_by_decisions(session),
            in_doubt=counts[MessageState.SENDING] + counts[MessageState.UNCONFIRMED],
            in_doubt_max=runtime.settings.in_doubt_max,
            doubts=tuple(in_doubt(session, LISTED)),
            overdue=_overdue(session, now),
            stops=stops(session),
            mailers_stopped=mailers_stopped(session),
            heartbeats=beats(session),
            problems=tuple(_problems(session, now, bounds)),
        )


def _problems(session: Session, now: datetime, bounds: Bounds) -> Iterator[str]:
    yield from _sums(session)
    yield from _open_ends(session, now, bounds)
    yield from _switches(session)
    yield from _late_jobs(session)
    yield from _database(session)


def _sums(session: Session) -> Iterator[str]:
    """Planned in the log = messages of campaigns = the sum of their states."""
    planned, messages = planned_by_decisions(session), sum(counts_by_state(session, "campaign").values())
    if planned != messages:
        yield f"The decision log has queued {planned} messages, and there are {messages}. Restore a backup."
    elif ids := unlogged(session):
        yield f"Messages without exactly one queueing in the decision log: {_listed(ids)}."
    if ids := pieces_held_in_vain(session, LISTED):
        yield f"Messages that were not sent still hold a piece: {_listed(ids)}. Start the worker."


def _open_ends(session: Session, now: datetime, bounds: Bounds) -> Iterator[str]:
    if stuck := open_too_long(session, bounds.stale + timedelta(minutes=1)):
        yield f"{stuck} messages are claimed or handed over for too long. Start the worker."
    old = database_clock(session, -SETTLE_WITHIN)
    unsettled = select(func.count()).where(
        Message.state == MessageState.UNCONFIRMED, or_(Message.sending_at.is_(None), Message.sending_at < old)
    )
    if count := session.scalar(unsettled):
        yield f"{count} messages are unconfirmed for more than a day. Say for each whether it was sent."
    if not stops(session) and (overdue := _overdue(session, now)):
        yield f"{overdue} messages are due for 10 minutes and more. Start the worker, or raise the rate."


def _switches(session: Session) -> Iterator[str]:
    for switch in stops(session):
        way_on = "`nurture go --release`" if switch.name == RESTORE_HOLD else "`nurture go`"
        why = f" ({switch.reason})" if switch.reason else ""
        since = f"{switch.since:%Y-%m-%d %H:%M} UTC by {switch.by}{why}"
        yield f"All mail is stopped since {since}. Go on with {way_on}."
    for mailer, reason in mailers_stopped(session).items():
        yield f"The mailer {mailer} refuses the account: {reason}. Mend it, then `nurture go`."


def _late_jobs(session: Session) -> Iterator[str]:
    for beat in beats(session):
        if beat.late:
            yield f"The job {beat.job} last ran at {beat.at:%Y-%m-%d %H:%M:%S} UTC. Start `nurture serve`."
        if beat.error:
            yield f"The job {beat.job} failed: {beat.error[:300]}"


def _database(session: Session) -> Iterator[str]:
    if not on_postgresql(session):
        found = session.scalar(text("PRAGMA quick_check(1)"))
        if found != "ok":
            yield f"The database file is damaged: {found}. Restore the newest backup."
        return
    for name, (breaks, how) in POSTGRESQL_SETTINGS.items():
        if session.scalar(text("SELECT current_setting(:name)"), {"name": name}) == breaks:
            yield f"PostgreSQL has {name} = {breaks}: {how}. Change it."


def _overdue(session: Session, now: datetime) -> int:
    running = select(Campaign.id).where(Campaign.status == "active")
    return (
        session.scalar(
            select(func.count()).where(
                Message.state == MessageState.PENDING,
                Message.due_at < now - OVERDUE,
                or_(Message.campaign_id.is_(None), Message.campaign_id.in_(running)),
            )
        )
        or 0
    )


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids[:20]))
