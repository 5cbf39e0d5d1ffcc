"""Several workers that decide at the same time, started by mistake or on purpose."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from nurture.services.campaigns_run import pause, resume
from nurture.services.enroll import enroll
from nurture.services.tick import tick
from nurture.store.enrollments import wake_leads
from nurture.store.leads import mark_all_dirty
from nurture.store.schema import Decision, Enrollment, Message
from tests.support.stage import Stage

WORKERS = 3
LEADS = 30


def at_once(*jobs: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for result in [pool.submit(job) for job in jobs]:
            result.result()


def until_nothing_is_left(stage: Stage, portion: Callable[..., int]) -> Callable[[], object]:
    def work() -> None:
        idle = 0
        # What another worker holds at this moment looks like nothing: ask again before giving up.
        while idle < 3:
            idle = 0 if portion(stage.runtime, stage.now, 7) else idle + 1

    return work


def test_several_ticks_queue_every_message_once_and_keep_budget_and_streams(stage: Stage) -> None:
    stage.document("organisation", "name: Q\nbudget: {max: 2, per: P7D}")
    stage.document("streams", "streams: [{slug: studies, folder: studies}]")
    for order in range(4):
        stage.template(f"studies/{order}", order=order)
    leads = [stage.lead() for _ in range(LEADS)]
    for slug in ("a", "b", "c"):
        campaign = stage.campaign(f"slug: {slug}\nsteps: [{{key: one, send: {{stream: studies}}}}]")
        for lead in leads:
            stage.enroll(campaign, lead)
    at_once(*[until_nothing_is_left(stage, tick)] * WORKERS)
    stage.tick()
    messages = stage.rows(Message)
    assert Counter(message.lead_id for message in messages) == dict.fromkeys(leads, 2)
    assert len({(message.lead_id, message.piece) for message in messages}) == len(messages)
    queued = [row.message_id for row in stage.rows(Decision, outcome="queued")]
    assert sorted(queued) == [message.id for message in messages]


def test_several_workers_let_everybody_in_once(stage: Stage) -> None:
    stage.campaign(
        "entry: {when: {lifecycle: lead}, reentry: always}\nsteps: [{key: rest, wait: {for: P3D}}]"
    )
    leads = [stage.lead() for _ in range(LEADS)]
    stage.write(lambda session: mark_all_dirty(session, stage.now))
    at_once(*[until_nothing_is_left(stage, enroll)] * WORKERS)
    assert Counter(row.lead_id for row in stage.rows(Enrollment)) == dict.fromkeys(leads, 1)


def test_ticks_wakes_pauses_and_resumes_do_not_stand_in_each_others_way(stage: Stage) -> None:
    stage.template("letters/one")
    campaign = stage.campaign(
        "steps: [{key: rest, wait: {for: P1D}}, {key: one, send: {template: letters/one}}]"
    )
    leads = [stage.lead() for _ in range(LEADS)]
    for lead in leads:
        stage.enroll(campaign, lead)

    def wakes() -> None:
        for _ in range(10):
            stage.write(lambda session: wake_leads(session, leads, stage.now))

    def pauses() -> None:
        for _ in range(5):
            pause(stage.runtime, "welcome", stage.now, "test")
            resume(stage.runtime, "welcome", "shift", stage.now, "test")

    at_once(until_nothing_is_left(stage, tick), until_nothing_is_left(stage, tick), wakes, pauses)
    stage.tick()
    assert {row.status for row in stage.rows(Enrollment)} == {"active"}
    stage.clock.advance(timedelta(days=1))
    stage.tick()
    assert Counter(message.lead_id for message in stage.rows(Message)) == dict.fromkeys(leads, 1)
