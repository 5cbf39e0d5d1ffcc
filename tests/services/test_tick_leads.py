"""What ticks change on leads, and whom they tell."""

from datetime import timedelta

from sqlalchemy import update

from nurture.store.schema import (
    Company,
    Lead,
    LeadTag,
    Recheck,
    ScoreEntry,
    Task,
    User,
)
from tests.support.stage import Stage

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

ONE = "steps: [{key: one, send: {template: letters/one}}]"
SLEEPY = """
steps:
  - {key: rest, wait: {for: P30D, or_until: {message: clicked, step: one}}}
  - {key: one, send: {template: letters/one}}
"""
STREAMS = "streams: [{slug: studies, folder: studies, pick: next}]"


def test_an_update_step_changes_tags_fields_ladders_and_points(stage: Stage) -> None:
    stage.document(
        "organisation",
        "name: Q\n"
        "fields: [{name: role}, {name: seats, type: number, of: company}, {name: trial, type: boolean}]",
    )
    campaign = stage.campaign("""
        steps:
          - key: mark
            update:
              tags: [a, b]
              untag: [old]
              set:
                stage: interest
                lead.language: pt
                zone: Europe/Paris
                custom.role: finance
                custom.seats: "12"
                custom.trial: "yes"
              points: 7
          - {key: again, update: {tags: [a]}}
    """)
    lead = stage.lead(company={"name": "Acme"}, fields={"kept": "x"})
    stage.write(lambda session: session.add(LeadTag(lead_id=lead, tag="old", since=stage.now)))
    stage.with_scoring()
    enrollment = stage.enroll(campaign, lead)
    stage.tick()
    assert [row.tag for row in stage.rows(LeadTag)] == ["a", "b"]
    row = stage.rows(Lead)[0]
    assert (row.stage, row.fields) == ("interest", {"kept": "x", "role": "finance", "trial": True})
    assert (row.language, row.zone) == ("pt", "Europe/Paris")
    assert stage.rows(Company)[0].fields == {"seats": 12}
    assert [(entry.net, entry.dedupe_key) for entry in stage.rows(ScoreEntry)] == [
        (7.0, f"step:{enrollment}:mark")
    ]
    assert stage.kinds_of_events() == ["tagged", "tagged"]
    assert stage.rows(Recheck, lead_id=lead)[0].at == stage.now


def test_a_move_that_the_ladders_forbid_is_refused_and_said(stage: Stage) -> None:
    lead = stage.lead(lifecycle="customer", stage="action")
    enrollment = stage.enroll(stage.campaign("steps: [{key: mark, update: {set: {stage: awareness}}}]"), lead)
    stage.tick()
    assert ("refused", "ladder") in stage.decisions()
    assert stage.rows(Lead)[0].stage == "action"
    assert stage.enrollment(enrollment).status == "completed"


def test_the_owner_is_told_or_somebody_in_turn(stage: Stage) -> None:
    users = stage.users("ann@example.com", "bob@example.com", viewer="eve@example.com")
    campaign = stage.campaign(
        "steps: [{key: tell, notify: {owner: true, due: PT4H, reason: Call.}}, "
        "{key: boss, notify: {user: ann@example.com}}]"
    )
    owned, nobodys, nobodys_too = stage.lead(owner_id=users[1]), stage.lead(), stage.lead()
    for lead in (owned, nobodys, nobodys_too):
        stage.enroll(campaign, lead)
    stage.tick()
    tasks = {(row.lead_id, row.dedupe_key.rpartition(":")[2]): row for row in stage.rows(Task)}
    assert tasks[owned, "tell"].owner_id == users[1]
    assert {tasks[nobodys, "tell"].owner_id, tasks[nobodys_too, "tell"].owner_id} == set(users[:2])
    assert {tasks[lead, "boss"].owner_id for lead in (owned, nobodys, nobodys_too)} == {users[0]}
    told = tasks[owned, "tell"]
    assert (told.kind, told.title, told.status) == ("hand-off", "Call.", "open")
    assert told.due_at == stage.now + 4 * HOUR


def test_where_nobody_may_take_over_the_task_belongs_to_nobody(stage: Stage) -> None:
    stage.enroll(stage.campaign("steps: [{key: tell, notify: {owner: true}}]"), stage.lead())
    stage.tick()
    assert [row.owner_id for row in stage.rows(Task)] == [None]


def test_a_user_who_is_disabled_is_told_nothing(stage: Stage) -> None:
    (ann,) = stage.users("ann@example.com")
    stage.write(lambda session: session.execute(update(User).values(disabled_at=stage.now)))
    stage.enroll(stage.campaign("steps: [{key: tell, notify: {user: ann@example.com}}]"), stage.lead())
    stage.tick()
    assert ann
    assert [row.owner_id for row in stage.rows(Task)] == [None]
