"""The drawing of a campaign says what the definition says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from nurture.domain.definition.campaign import CampaignDefinition, keys, walk
from nurture.store.reports.campaigns import Waiting
from nurture.web.campaign_words import in_plain_words
from nurture.web.flow import Node, draw

CAMPAIGNS = sorted(path for path in Path("campaigns").glob("*/*.yaml"))


def definition(*steps: object, **more: object) -> CampaignDefinition:
    body = {"slug": "c", "name": "C", "entry": {"manual": True}, "steps": list(steps), **more}
    return CampaignDefinition.model_validate(body)


def send(key: str) -> dict[str, object]:
    return {"key": key, "send": {"template": "letters/x"}}


def leave(key: str) -> dict[str, object]:
    return {"key": key, "exit": {"reason": "done"}}


def fork(key: str, *arms: list[object]) -> dict[str, object]:
    names = [f"{key}-{number}" for number in range(len(arms))]
    return {
        "key": key,
        "split": [{"key": n, "weight": 1, "steps": arm} for n, arm in zip(names, arms, strict=True)],
    }


def nodes(found: tuple[Node, ...]) -> Iterator[Node]:
    for node in found:
        yield node
        for arm in node.arms:
            yield from nodes(arm.nodes)


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_every_step_of_every_shipped_campaign_is_drawn_once_with_a_title(path: Path) -> None:
    shipped = CampaignDefinition.model_validate(yaml.load(path.read_text(), yaml.BaseLoader))
    drawn = list(nodes(draw(shipped, {}, {}).nodes))
    assert [node.key for node in drawn] == [step.key for step in walk(shipped.steps)]
    assert all(node.title for node in drawn)
    assert len(list(keys(shipped.steps))) == len(drawn) + sum(len(node.arms) for node in drawn)
    assert all(rule.says for rule in in_plain_words(shipped))


def test_numbers_of_waiting_leads_stand_at_their_steps() -> None:
    drawn = draw(definition(send("a"), leave("b")), {"a": Waiting(7, 2), "": Waiting(3, 0)}, {})
    assert [(node.waiting.here, node.waiting.on_older) for node in drawn.nodes] == [(7, 2), (0, 0)]
    assert drawn.before_first == 3


def test_a_subject_is_shown_with_its_merge_fields_as_words() -> None:
    subject = '{{ lead.first_name | default("Hello", true) }}: three numbers of {{company.name}}'
    drawn = draw(definition(send("a")), {}, {"letters/x": subject})
    assert drawn.nodes[0].title == "[first name]: three numbers of [company name]"


@pytest.mark.parametrize(
    ("arms", "joins", "bars"),
    [
        # left half and right half of the lower bar, arm by arm
        ([[send("a")], [send("b")]], "all", [(False, True), (True, False)]),
        ([[leave("a")], [leave("b")]], "ends", [(False, False), (False, False)]),
        ([[leave("a")], [send("b")]], "mixed", [(False, False), (True, False)]),
        ([[send("a")], [leave("b")]], "mixed", [(False, True), (False, False)]),
        (
            [[leave("a")], [send("b")], [leave("c")]],
            "mixed",
            [(False, False), (False, False), (False, False)],
        ),
        ([[send("a")], [leave("b")], [leave("c")]], "mixed", [(False, True), (True, False), (False, False)]),
        ([[send("a")], [leave("b")], [send("c")]], "mixed", [(False, True), (True, True), (True, False)]),
    ],
)
def test_the_lower_bar_runs_from_the_arms_that_come_back_to_the_middle(
    arms: list[list[object]], joins: str, bars: list[tuple[bool, bool]]
) -> None:
    node = draw(definition(fork("f", *arms), send("z")), {}, {}).nodes[0]
    assert node.joins == joins
    assert [(arm.join_left, arm.join_right) for arm in node.arms] == bars


@pytest.mark.parametrize(
    ("steps", "ends"),
    [
        ([send("a")], False),
        ([send("a"), leave("b")], True),
        ([fork("f", [leave("a")], [leave("b")])], True),
        ([fork("f", [leave("a")], [])], False),
    ],
)
def test_the_end_is_drawn_only_where_somebody_arrives(steps: list[object], ends: bool) -> None:
    assert draw(definition(*steps), {}, {}).ends is ends


def test_a_branch_without_otherwise_lets_people_through() -> None:
    branch = {"key": "b", "branch": [{"key": "yes", "when": {"tag": "x"}, "steps": [leave("a")]}]}
    assert draw(definition(branch), {}, {}).ends is False


@pytest.mark.parametrize(
    ("step", "kind", "title", "detail"),
    [
        ({"wait": {"for": "P3D"}}, "Wait", "3 days", ()),
        (
            {"wait": {"until": {"weekday": ["tue", "wed"], "at": "10:00"}}},
            "Wait", "Until Tuesday or Wednesday, 10:00", (),
        ),
        ({"wait": {"until": {"date": "2026-12-01", "at": "10:00"}}}, "Wait", "Until 2026-12-01, 10:00", ()),
        (
            {"wait": {"for": "PT4H", "or_until": {"tag": "x"}}},
            "Wait", "4 hours", ('or until has the tag "x"',),
        ),
        ({"update": {"tags": ["a"], "untag": ["b"]}}, "Update the lead", "Tag +a, tag −b", ()),
        ({"update": {"set": {"stage": "action"}}}, "Set stage", "Stage → action", ()),
        ({"update": {"points": -5}}, "Update the lead", "−5 points", ()),
        (
            {"notify": {"owner": True, "due": "PT4H", "reason": "Call."}},
            "Tell a person", "Tell the lead’s owner, due in 4 hours", ("Call.",),
        ),
        ({"notify": {"user": "ana@example.com"}}, "Tell a person", "Tell ana@example.com", ()),
        ({"exit": {"reason": "handed-over"}}, "Exit", "Leaves: handed over", ()),
        ({"send": {"template": "letters/x"}, "window": "any"}, "Send mail", "letters/x", ("at any hour",)),
        (
            {"send": {"stream": "case_studies", "pick": "best_match", "every": "P7D", "until": 3}},
            "Send from a stream", "From “case studies”", ("every 7 days, at most 3", "picks the best match"),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_step_says_what_it_does(
    step: dict[str, object], kind: str, title: str, detail: tuple[str, ...]
) -> None:
    node = draw(definition({"key": "s", **step}), {}, {}).nodes[0]
    assert (node.look.kind, node.title, node.detail) == (kind, title, detail)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"manual": True}, ("Enters by hand",)),
        ({"event": "purchased"}, ("Enters on purchased",)),
        (
            {"when": {"any": [{"tag": "a"}, {"none": [{"tag": "b"}]}]}},
            ('Enters when has the tag "a" or (not has the tag "b")',),
        ),
        (
            {"schedule": {"cron": "0 9 1 * *", "zone": "lead"}, "audience": {"segment": "newsletter"}},
            ("Enters on schedule (0 9 1 * *, the lead’s time)", "segment “newsletter”"),
        ),
        (
            {"schedule": {"cron": "0 9 1 * *", "zone": "Europe/Lisbon"}, "audience": {"when": {"tag": "a"}}},
            ("Enters on schedule (0 9 1 * *, Europe/Lisbon)", 'has the tag "a"'),
        ),
    ],
)  # fmt: skip
def test_each_way_in_is_said(entry: dict[str, object], words: tuple[str, ...]) -> None:
    assert draw(definition(send("a"), entry=entry), {}, {}).entry == words


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (["mon", "tue", "wed", "thu", "fri"], "weekdays"),
        (["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "every day"),
        (["sat", "sun"], "Sat, Sun"),
    ],
)
def test_the_window_is_said_in_words(days: list[str], words: str) -> None:
    window = {"days": days, "from": "09:00", "to": "17:00", "holidays": "lead"}
    says = {rule.name: rule.says for rule in in_plain_words(definition(send("a"), window=window))}
    assert says["Sends on"] == f"{words} 09:00–17:00, the lead’s time, not on holidays"


def test_the_small_print_names_goal_holdout_and_reentry() -> None:
    campaign = definition(
        send("a"),
        entry={"when": {"tag": "x"}, "reentry": {"after": "P90D"}},
        goal={"when": {"tag": "won"}, "within": "P60D"},
        holdout=10,
        stage="interest",
        on_reply="continue",
    )
    says = {rule.name: rule.says for rule in in_plain_words(campaign)}
    assert says["Again"] == "after 90 days"
    assert says["Goal"] == 'has the tag "won" within 60 days'
    assert says["Held out"] == "10 % get nothing, to measure the effect"
    assert says["Leaves when"] == "the stage is no longer interest"
    assert says["On a reply"] == "goes on"
