"""How this installation is doing: for the health page, `/healthz` and `/metrics`."""

import platform
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

from nurture.services import switches
from nurture.services.runtime import Runtime
from nurture.services.switches import Stop
from nurture.store.base import database_now
from nurture.store.beats import Beat, beats
from nurture.store.reports.health import MailerState, Queues, mailers, queues
from nurture.store.reports.outbox import MessageRow, in_doubt
from nurture.store.upgrade import is_current

TICK = "plan"
"""The job without which nobody gets anything: its heartbeat is the worker's."""


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that somebody on call wants to know."""

    beats: tuple[Beat, ...]
    database_now: datetime
    queues: Queues
    lag: timedelta
    mailers: tuple[MailerState, ...]
    in_doubt: tuple[MessageRow, ...]
    stops: tuple[Stop, ...]
    schema_is_current: bool

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, in sentences; empty when all is well."""
        found = [
            f"The job “{beat.job}” has not run for {_minutes(self.database_now - beat.at)}."
            for beat in self.beats
            if beat.late
        ]
        if not self.beats:
            found.append("The worker has never run. Start it with “nurture serve” or “nurture work”.")
        found += [f"The job “{beat.job}” failed last time." for beat in self.beats if beat.error]
        if not self.schema_is_current:
            found.append("The database is older than this Nurture. Run “nurture db upgrade”.")
        return tuple(found)

    @property
    def is_alive(self) -> bool:
        """Whether the worker ticks: red when its last beat is older than three periods."""
        ticks = [beat for beat in self.beats if beat.job == TICK] or list(self.beats)
        return bool(ticks) and not any(beat.late for beat in ticks)


def health(runtime: Runtime, now: datetime) -> Health:
    """How everything is doing at business time `now`; heartbeats by the database's clock."""
    with runtime.read() as session:
        waiting = queues(session, now)
        return Health(
            beats=beats(session),
            database_now=database_now(session),
            queues=waiting,
            lag=waiting.lag(now),
            mailers=mailers(session),
            in_doubt=in_doubt(session),
            stops=switches.stops(session),
            schema_is_current=is_current(runtime.engine),
        )


def versions() -> dict[str, str]:
    """What is installed, for whoever asks for help."""
    packages = ("nurture", "flask", "sqlalchemy", "apscheduler", "jinja2", "granian")
    return {"python": platform.python_version(), **{package: version(package) for package in packages}}


def _minutes(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return "a minute" if minutes <= 1 else f"{minutes} minutes"
