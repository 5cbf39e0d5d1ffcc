"""What a lead is sent and what has to wait: budget, hours, holidays and streams."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from nurture.store.schema import (
    Decision,
    LeadTag,
    Message,
    ReadPiece,
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


def a_stream(stage: Stage, *slugs: str) -> None:
    stage.document("streams", STREAMS)
    for order, slug in enumerate(slugs):
        stage.template(f"studies/{slug}", kind="case_study", order=order)


BUDGET = "name: Q\nbudget: {max: 2, per: P7D}"


def test_a_lead_gets_no_more_mail_than_its_budget_allows_and_the_important_first(stage: Stage) -> None:
    stage.document("organisation", BUDGET)
    stage.template("letters/one")
    lead = stage.lead()
    for priority, slug in ((10, "low"), (90, "high"), (50, "middle")):
        campaign = stage.campaign(f"slug: {slug}\npriority: {priority}\n{ONE}")
        stage.enroll(campaign, lead)
    stage.tick()
    assert [message.priority for message in stage.messages()] == [90, 50]
    assert stage.decisions(campaign="low") == [("later", "budget")]
    later = stage.rows(Decision, campaign="low")[0]
    assert later.next_at == stage.now + 7 * DAY
    stage.clock.advance(7 * DAY)
    stage.tick()
    assert [message.priority for message in stage.messages()] == [90, 50, 10]


def test_what_was_sent_before_counts_and_what_failed_does_not(stage: Stage) -> None:
    stage.document("organisation", BUDGET)
    stage.template("letters/one")
    lead = stage.lead()
    for slug in ("a", "b"):
        stage.enroll(stage.campaign(f"slug: {slug}\n{ONE}"), lead)
    stage.tick()
    stage.write(
        lambda session: session.execute(update(Message).where(Message.id == 1).values(state="failed"))
    )
    stage.clock.advance(DAY)
    for slug in ("c", "d"):
        stage.enroll(stage.campaign(f"slug: {slug}\n{ONE}"), lead)
    stage.tick()
    assert stage.decisions(campaign="c") == [("queued", "due"), ("completed", "end")]
    assert stage.decisions(campaign="d") == [("later", "budget")]
    assert stage.rows(Decision, campaign="d")[0].next_at == stage.now + 6 * DAY


def test_a_lead_that_wants_less_gets_half(stage: Stage) -> None:
    stage.document("organisation", BUDGET)
    stage.template("letters/one")
    lead = stage.lead(less_often=True)
    for slug in ("a", "b", "c"):
        stage.enroll(stage.campaign(f"slug: {slug}\n{ONE}"), lead)
    stage.tick()
    later = stage.rows(Decision, outcome="later")
    assert [row.next_at for row in later] == [stage.now + 14 * DAY]


def test_steps_behind_a_mail_that_has_to_wait_wait_too(stage: Stage) -> None:
    stage.document("organisation", "name: Q\nbudget: {max: 1, per: P7D}")
    stage.template("letters/one")
    lead = stage.lead()
    campaign = stage.campaign(
        "steps: [{key: mark, update: {tags: [a]}}, {key: one, send: {template: letters/one}}, "
        "{key: late, update: {tags: [b]}}]"
    )
    stage.enroll(stage.campaign(f"slug: other\npriority: 99\n{ONE}"), lead)
    enrollment = stage.enroll(campaign, lead)
    stage.tick()
    assert [row.tag for row in stage.rows(LeadTag)] == ["a"]
    assert stage.enrollment(enrollment).position == "one"
    stage.clock.advance(7 * DAY)
    stage.tick()
    assert [row.tag for row in stage.rows(LeadTag)] == ["a", "b"]


def test_mail_goes_in_the_leads_own_hours(stage: Stage) -> None:
    stage.document("organisation", 'name: Q\nquiet_hours: {from: "21:00", to: "07:00"}')
    stage.template("letters/one")
    campaign = stage.campaign(ONE)
    leads = {
        zone: stage.lead(zone=zone) for zone in ("Europe/Lisbon", "Pacific/Auckland", "America/New_York")
    }
    by_country = stage.lead(country="JP")
    by_company = stage.lead(company={"country": "JP"})
    for lead in (*leads.values(), by_country, by_company):
        stage.enroll(campaign, lead)
    stage.tick()
    # It is ten in Lisbon, eleven at night in Auckland, five in New York, and seven in the evening in Tokyo.
    assert {message.lead_id for message in stage.messages()} == {
        leads["Europe/Lisbon"],
        by_country,
        by_company,
    }
    later = {row.lead_id: row.next_at for row in stage.rows(Decision, outcome="later")}
    assert later[leads["America/New_York"]] == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert later[leads["Pacific/Auckland"]] == datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


def test_public_holidays_of_the_leads_country_are_kept(stage: Stage) -> None:
    stage.clock.set(datetime(2026, 4, 3, 10, 0, tzinfo=UTC))
    stage.template("letters/one")
    campaign = stage.campaign(f'window: {{from: "09:00", to: "17:00", holidays: lead}}\n{ONE}')
    portuguese, american = stage.lead(country="PT"), stage.lead(country="US", zone="Europe/Lisbon")
    nowhere = stage.lead()
    for lead in (portuguese, american, nowhere):
        stage.enroll(campaign, lead)
    stage.tick()
    # Good Friday is a public holiday in Portugal and not in the United States.
    assert {message.lead_id for message in stage.messages()} == {american, nowhere}
    (later,) = stage.rows(Decision, outcome="later")
    assert later.next_at == datetime(2026, 4, 4, 8, 0, tzinfo=UTC)


def test_a_repeating_step_sends_one_piece_after_the_other(stage: Stage) -> None:
    a_stream(stage, "a", "b", "c", "d")
    campaign = stage.campaign(
        "steps: [{key: one, send: {stream: studies, every: P7D, until: 3}}, {key: end, exit: {reason: read}}]"
    )
    lead = stage.lead()
    enrollment = stage.enroll(campaign, lead)
    for _ in range(3):
        stage.tick()
        stage.clock.advance(7 * DAY)
    assert [(message.occurrence, message.piece) for message in stage.messages()] == [
        (0, "studies/a"),
        (1, "studies/b"),
        (2, "studies/c"),
    ]
    assert stage.enrollment(enrollment).reason == "read"
    assert stage.pieces(lead) == ["studies/a", "studies/b", "studies/c"]


def test_a_stream_that_runs_dry_is_passed_over(stage: Stage) -> None:
    a_stream(stage, "a")
    campaign = stage.campaign("steps: [{key: one, send: {stream: studies, every: P7D, until: 3}}]")
    enrollment = stage.enroll(campaign, stage.lead())
    stage.tick()
    stage.clock.advance(7 * DAY)
    stage.tick()
    assert ("passed_over", "no_piece") in stage.decisions()
    assert stage.enrollment(enrollment).status == "completed"


def test_two_campaigns_of_one_tick_never_send_the_same_piece(stage: Stage) -> None:
    a_stream(stage, "a", "b")
    lead = stage.lead()
    for slug, priority in (("low", 10), ("high", 90)):
        campaign = stage.campaign(
            f"slug: {slug}\npriority: {priority}\nsteps: [{{key: one, send: {{stream: studies}}}}]"
        )
        stage.enroll(campaign, lead)
    stage.tick()
    assert [(message.priority, message.piece) for message in stage.messages()] == [
        (90, "studies/a"),
        (10, "studies/b"),
    ]


def test_a_piece_that_a_lead_has_had_is_not_sent_again(stage: Stage) -> None:
    a_stream(stage, "a", "b")
    lead = stage.lead()
    stage.write(lambda session: session.add(ReadPiece(lead_id=lead, piece="studies/a", at=stage.now)))
    stage.enroll(stage.campaign("steps: [{key: one, send: {stream: studies}}]"), lead)
    stage.tick()
    assert [message.piece for message in stage.messages()] == ["studies/b"]


def test_the_study_of_the_leads_industry_comes_first(stage: Stage) -> None:
    stage.document(
        "streams",
        "streams: [{slug: studies, pieces: [studies/x, studies/y], pick: best_match, match: [industry]}]",
    )
    stage.template("studies/x", industries=["healthcare"])
    stage.template("studies/y", industries=["Logistics"])
    lead = stage.lead(company={"industry": "logistics"})
    stage.enroll(stage.campaign("steps: [{key: one, send: {stream: studies}}]"), lead)
    stage.tick()
    assert [message.piece for message in stage.messages()] == ["studies/y"]
