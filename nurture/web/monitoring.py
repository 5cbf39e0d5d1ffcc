"""`/healthz` and `/metrics`: for machines, without log-in, with numbers and nothing else."""

from collections.abc import Iterator

from flask import Blueprint, jsonify
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from werkzeug.wrappers import Response

from nurture.services.condition_report import Health
from nurture.services.condition_report import health as report
from nurture.services.runtime import Runtime
from nurture.store import rollups
from nurture.store.rollups import Level, Measure
from nurture.web.context import now, the_runtime
from nurture.web.guards import public

monitoring = Blueprint("monitoring", __name__)


@monitoring.get("/healthz")
@public
def healthz() -> tuple[Response, int]:
    """200 while the worker ticks, 503 when its last tick is older than three periods."""
    found = report(the_runtime(), now())
    body = {
        "status": "ok" if found.is_alive else "down",
        "jobs": {beat.job: _job(found, beat.job) for beat in found.beats},
        "lag_seconds": round(found.lag.total_seconds()),
        "in_doubt": found.queues.in_doubt.number,
        "stopped": bool(found.stops),
    }
    return jsonify(body), 200 if found.is_alive else 503


@monitoring.get("/metrics")
@public
def metrics() -> Response:
    """What Prometheus reads; the numbers come from the database, so every web process tells the same."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_FromDatabase(the_runtime()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _job(found: Health, name: str) -> dict[str, object]:
    beat = next(beat for beat in found.beats if beat.job == name)
    seconds = round((found.database_now - beat.at).total_seconds())
    return {"seconds_ago": max(0, seconds), "late": beat.late, "failed": beat.error is not None}


class _FromDatabase(Collector):
    """Reads when it is asked, and keeps nothing."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def collect(self) -> Iterator[Metric]:
        found = report(self._runtime, now())
        with self._runtime.read() as session:
            totals = rollups.totals(session)
            levels = rollups.lead_levels(session)
        yield _events(totals)
        yield _leads(levels)
        yield from _queues(found)
        yield from _jobs(found)


def _events(totals: dict[Measure, int]) -> Metric:
    family = CounterMetricFamily(
        "nurture_mail", "What became of campaign mail, as last rolled up.", labels=["what"]
    )
    for measure in Measure:
        family.add_metric([measure], totals[measure])
    return family


def _leads(levels: dict[Level, int]) -> Metric:
    family = GaugeMetricFamily("nurture_leads", "Leads now.", labels=["which"])
    for level, number in levels.items():
        family.add_metric([level], number)
    return family


def _queues(found: Health) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("nurture_waiting", "What waits; exact up to 1000.", labels=["queue"])
    for queue, count in (
        ("messages_due", found.queues.messages_due),
        ("passages_due", found.queues.passages_due),
        ("events", found.queues.events_waiting),
        ("in_doubt", found.queues.in_doubt),
        ("failed", found.queues.failed),
    ):
        waiting.add_metric([queue], count.number)
    yield waiting
    lag = found.lag.total_seconds()
    yield GaugeMetricFamily("nurture_send_lag_seconds", "How late the oldest due message is.", value=lag)
    stopped = 1 if found.stops else 0
    yield GaugeMetricFamily("nurture_sending_stopped", "1 while the stop switch is on.", value=stopped)


def _jobs(found: Health) -> Iterator[Metric]:
    age = GaugeMetricFamily("nurture_job_age_seconds", "Since when a job has not run.", labels=["job"])
    took = GaugeMetricFamily("nurture_job_took_seconds", "How long its last run took.", labels=["job"])
    for beat in found.beats:
        age.add_metric([beat.job], max(0.0, (found.database_now - beat.at).total_seconds()))
        took.add_metric([beat.job], beat.took_ms / 1000)
    yield age
    yield took
