"""Deciding for every enrollment that is due, on real databases and a virtual clock."""

from datetime import UTC, datetime, timedelta

from tests.support.stage import Stage

DAY = timedelta(days=1)


def test_a_passage_goes_from_mail_to_wait_to_mail_to_its_end(stage: Stage) -> None:
    for slug in ("letters/one", "letters/two"):
        stage.template(slug)
    campaign = stage.campaign("""
        steps:
          - {key: one, send: {template: letters/one}}
          - {key: rest, wait: {for: P3D}}
          - {key: two, send: {template: letters/two}}
    """)
    lead = stage.lead()
    enrollment = stage.enroll(campaign, lead)

    stage.tick()
    assert [(message.step, message.state) for message in stage.messages()] == [("one", "pending")]
    assert stage.enrollment(enrollment).position == "rest"
    assert stage.due_at(enrollment) == stage.now + 3 * DAY

    stage.clock.advance(3 * DAY - timedelta(seconds=1))
    assert stage.tick() == 0
    stage.clock.advance(timedelta(seconds=1))
    stage.tick()
    assert [message.step for message in stage.messages()] == ["one", "two"]
    ended = stage.enrollment(enrollment)
    assert (ended.status, ended.reason, ended.ended_at) == ("completed", "end", stage.now)
    assert stage.due_at(enrollment) is None
    assert stage.decisions() == [
        ("queued", "due"),
        ("waits", "wait"),
        ("queued", "due"),
        ("completed", "end"),
    ]
    assert datetime(2026, 3, 5, 10, tzinfo=UTC) == stage.now
