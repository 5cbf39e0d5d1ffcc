"""What machines ask: without log-in, with numbers and nothing else."""

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from nurture.clock import FixedClock
from nurture.services import switches
from nurture.services.runtime import Runtime
from nurture.store.base import database_now
from nurture.store.beats import beat
from nurture.store.schema import Heartbeat
from nurture.web.factory import create_app
from tests.support.seed import take_pulse
from tests.support.visitor import Visitor


def test_health_is_red_until_the_worker_has_run(visitor: Visitor) -> None:
    answer = visitor.get("/healthz")
    assert (answer.status_code, answer.get_json()["status"]) == (503, "down")


def test_health_is_green_while_the_worker_ticks(runtime: Runtime, visitor: Visitor) -> None:
    take_pulse(runtime)
    answer = visitor.get("/healthz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")


def test_health_is_red_when_the_last_tick_is_older_than_three_periods(
    runtime: Runtime, visitor: Visitor
) -> None:
    with runtime.write() as session:
        beat(session, "plan", timedelta(seconds=10), 5, None)
        late = database_now(session) - timedelta(seconds=31)
        session.execute(update(Heartbeat).values(at=late))
    assert visitor.get("/healthz").status_code == 503


def test_the_stop_switch_is_told_and_is_no_illness(runtime: Runtime, visitor: Visitor) -> None:
    take_pulse(runtime)
    switches.stop(runtime, runtime.clock.now(), "cli")
    answer = visitor.get("/healthz")
    assert answer.status_code == 200
    assert answer.get_json()["stopped"] is True


def test_metrics_tell_what_the_roll_up_has_counted(lively: Runtime, wall: FixedClock) -> None:
    text = Visitor(create_app(lively, wall)).get("/metrics").text
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["nurture_mail_total", "sent"] > 20
    assert found["nurture_mail_total", "clicked"] > 0
    assert found["nurture_leads", "leads"] > 60
    assert found["nurture_waiting", "in_doubt"] == 0
    assert found["nurture_sending_stopped",] == 0
    assert ("nurture_job_age_seconds", "plan") in found


def test_machines_learn_no_address_and_no_name(lively: Runtime, wall: FixedClock) -> None:
    visitor = Visitor(create_app(lively, wall))
    for path in ("/metrics", "/healthz"):
        text = visitor.get(path).text
        assert "@" not in text
        assert "example" not in text
