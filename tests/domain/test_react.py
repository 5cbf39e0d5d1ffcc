"""Which events wake a campaign's passages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from nurture.domain.conditions.tree import Condition
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.events import Event, EventKind, Verdict
from nurture.domain.react import TURNS, awaited, kinds_counted, kinds_that_matter, looked_at, matters

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def condition(body: dict[str, Any]) -> Condition:
    adapter: TypeAdapter[Condition] = TypeAdapter(Condition)
    return adapter.validate_python(body)


def campaign(*steps: dict[str, Any], **extra: Any) -> CampaignDefinition:
    body = {
        "slug": "test",
        "name": "Test",
        "entry": {"manual": True},
        "steps": [{"key": "end", "exit": {}}, *steps],
    }
    return CampaignDefinition.model_validate({**body, **extra})


def wait_for(body: dict[str, Any]) -> dict[str, Any]:
    return {"key": "rest", "wait": {"for": "P3D", "or_until": body}}


def kinds(body: dict[str, Any], **segments: Condition) -> frozenset[str] | None:
    return kinds_that_matter(campaign(wait_for(body)), segments)


def test_leaving_talking_and_refusing_matter_to_every_campaign() -> None:
    assert kinds_that_matter(campaign(), {}) == TURNS
    for kind in ("moved", "unsubscribed", "email_replied", "email_bounced", "email_complained", "merged"):
        assert matters(campaign(), Event(1, 1, kind, NOW), {})
    assert not matters(campaign(), Event(1, 1, EventKind.PAGE_VISITED, NOW), {})


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ({"event": "page_visited"}, {"page_visited"}),
        ({"message": "clicked"}, {"email_clicked"}),
        ({"any": [{"event": "custom:won"}, {"message": "replied"}]}, {"custom:won"}),
        ({"field": "lead.language", "value": "pt"}, {"edited", "imported", "form_submitted", "chat_message"}),
        ({"fit": {"at_least": "B"}}, {"edited", "imported", "form_submitted", "chat_message"}),
        ({"tag": "vip"}, {"tagged"}),
        ({"stage": "interest"}, set()),
        ({"lifecycle": "customer"}, set()),
    ],
)
def test_what_a_wait_asks_for_matters(body: dict[str, Any], more: set[str]) -> None:
    assert kinds(body) == TURNS | more


@pytest.mark.parametrize(
    "body",
    [
        {"engagement": {"gte": 40}},
        {"in_campaign": "other"},
        {"has_been": {"stage": "interest"}, "for": "P3D"},
    ],
)
def test_everything_matters_where_anything_may_change_the_answer(body: dict[str, Any]) -> None:
    assert kinds(body) is None
    assert matters(campaign(wait_for(body)), Event(1, 1, "custom:anything", NOW), {})


def test_a_segment_is_read_by_its_parts() -> None:
    warm = condition({"all": [{"event": "page_visited"}, {"segment": "round"}, {"segment": "gone"}]})
    round_ = condition({"any": [{"segment": "warm"}, {"tag": "vip"}]})
    found = kinds({"segment": "warm"}, warm=warm, round=round_)
    assert found == TURNS | {"page_visited", "tagged"}


def test_exits_and_goals_matter_and_branches_do_not() -> None:
    branch = {"key": "fork", "branch": [{"key": "a", "when": {"event": "call_logged"}}]}
    definition = campaign(branch, exit=[{"event": "purchased"}], goal={"event": "demo_requested"})
    assert kinds_that_matter(definition, {}) == TURNS | {"purchased", "demo_requested"}
    assert len(awaited(definition)) == 2
    assert kinds_counted(looked_at(definition), {}) == {"purchased", "demo_requested", "call_logged"}


def test_a_goal_may_be_a_condition() -> None:
    definition = campaign(goal={"when": {"event": "chat_message"}})
    assert kinds_counted(awaited(definition), {}) == {"chat_message"}


def test_a_branch_that_asks_nothing_counts_nothing() -> None:
    branch = {"key": "fork", "branch": [{"key": "a", "otherwise": True}]}
    assert kinds_counted(looked_at(campaign(branch)), {}) == frozenset()


def test_what_a_condition_counts_is_read_through_segments() -> None:
    warm = condition({"event": "page_visited"})
    asked = condition({"all": [{"segment": "warm"}, {"tag": "vip"}, {"message": "opened"}]})
    assert kinds_counted([asked], {"warm": warm}) == {"page_visited", "email_opened"}


@pytest.mark.parametrize(("verdict", "matter"), [(Verdict.HUMAN, True), (Verdict.MACHINE, False)])
def test_what_a_machine_does_wakes_nobody(verdict: Verdict, matter: bool) -> None:
    click = Event(1, 1, EventKind.EMAIL_CLICKED, NOW, verdict)
    assert matters(campaign(wait_for({"message": "clicked"})), click, {}) is matter
