"""The linter: one table of mistakes, and that files without them pass."""

from typing import Any

import pytest

from nurture.domain.checks import Catalogue, Severity, TemplateFacts, WrittenCampaign, check, hindrances
from nurture.domain.checks.catalogue import single_tests, steps_of
from nurture.domain.conditions.tree import All
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.definition.defaults import DEFAULT_LADDERS, DEFAULT_SCORING
from nurture.domain.definition.front_matter import FrontMatter
from nurture.domain.definition.ladders import Ladders
from nurture.domain.definition.organisation import Organisation
from nurture.domain.definition.scoring import Scoring
from nurture.domain.definition.segments import Segments
from nurture.domain.definition.streams import Streams

FILE = "campaigns/interest/a.yaml"
ORGANISATION: dict[str, Any] = {
    "name": "Example",
    "identities": [
        {"slug": "default", "name": "Ana", "email": "ana@example.com", "postal_address": "1 High St"}
    ],
    "topics": [{"slug": "product", "name": "Product"}],
    "quiet_hours": {"from": "21:00", "to": "07:00"},
    "fields": [
        {"name": "role", "type": "choice", "choices": ["finance", "it"]},
        {"name": "staff", "of": "company", "type": "number"},
    ],
}
SEGMENTS = {"segments": [{"slug": "readers", "name": "Readers", "when": {"lifecycle": "lead"}}]}
STREAMS: dict[str, Any] = {"streams": [{"slug": "studies", "folder": "case_studies"}]}
ENTRY = {"when": {"all": [{"lifecycle": "lead"}, {"stage": "interest"}]}}
SEND = {"key": "send", "send": {"template": "letters/one"}}


def template(slug: str, *languages: str, **front: Any) -> TemplateFacts:
    matter = FrontMatter.model_validate({"kind": "letter", "subject": "Hi", **front})
    return TemplateFacts(slug, f"email_templates/{slug}.mjml", matter, frozenset(languages))


TEMPLATES = {
    found.slug: found
    for found in (
        template("letters/one"),
        template("letters/two"),
        template("case_studies/a", kind="case_study"),
        template("system/alert", kind="system"),
        TemplateFacts("letters/broken", "email_templates/letters/broken.mjml", None),
    )
}
USING_ALL = [SEND, {"key": "other", "send": {"template": "letters/two"}}]


def campaign(*steps: dict[str, Any], **changes: Any) -> CampaignDefinition:
    head = {"slug": "a", "name": "A", "stage": "interest", "topic": "product", "entry": ENTRY}
    return CampaignDefinition.model_validate({**head, "steps": list(steps) or USING_ALL, **changes})


def catalogue(*definitions: CampaignDefinition, **changes: Any) -> Catalogue:
    parts: dict[str, Any] = {
        "campaigns": tuple(WrittenCampaign(FILE, definition) for definition in definitions),
        "templates": TEMPLATES,
        "organisation": Organisation.model_validate(ORGANISATION),
        "streams": Streams.model_validate(STREAMS),
        "segments": Segments.model_validate(SEGMENTS),
        "scoring": DEFAULT_SCORING,
        "ladders": DEFAULT_LADDERS,
    }
    return Catalogue(**{**parts, **changes})


def found(*definitions: CampaignDefinition, **changes: Any) -> list[tuple[str, str, str]]:
    """Severity, key path and message of every finding."""
    return [
        (finding.severity.value, ".".join(map(str, finding.path)), finding.message)
        for finding in check(catalogue(*definitions, **changes))
    ]


def wait(**waiting: Any) -> dict[str, Any]:
    return {"key": "wait", "wait": waiting}


def branch(*arms: dict[str, Any]) -> dict[str, Any]:
    return {"key": "fork", "branch": list(arms)}


YES = {"key": "yes", "when": {"message": "clicked", "step": "send"}, "steps": []}
NO = {"key": "no", "otherwise": True, "steps": []}
LEAVE = {"key": "leave", "exit": {}}


def test_what_is_right_passes() -> None:
    assert found(campaign()) == []


@pytest.mark.parametrize(
    ("definition", "path", "words"),
    [
        # --- names ---
        (campaign(topic="prodct"), "topic", 'There is no topic "prodct". Did you mean "product"?'),
        (campaign(topic="zzz"), "topic", "Add it to organisation.yaml, or name another."),
        (campaign(identity="sales"), "identity", 'There is no identity "sales".'),
        (
            campaign({"key": "s", "send": {"template": "letters/on"}}),
            "steps.0.send.template",
            'There is no template "letters/on". Did you mean "letters/one"?',
        ),
        (
            campaign({"key": "s", "send": {"template": "letters/one", "identity": "x"}}),
            "steps.0.send.identity",
            'There is no identity "x".',
        ),
        (
            campaign({"key": "s", "send": {"template": "system/alert"}}),
            "steps.0.send.template",
            "is for system mails",
        ),
        (campaign({"key": "s", "send": {"stream": "x"}}), "steps.0.send.stream", 'There is no stream "x".'),
        (
            campaign(
                branch(
                    {"key": "y", "when": {"tag": "x"}, "steps": [{"key": "s", "send": {"template": "no"}}]},
                    NO,
                )
            ),
            "steps.0.branch.0.steps.0.send.template",
            'There is no template "no".',
        ),
        (
            campaign(SEND, {"key": "u", "update": {"set": {"custom.rôle": "it"}}}),
            "steps.1.update.set.custom.rôle",
            "There is no field",
        ),
        (
            campaign(SEND, {"key": "u", "update": {"set": {"custom.hobby": "x"}}}),
            "steps.1.update.set.custom.hobby",
            'There is no custom field "hobby"',
        ),
        (
            campaign(SEND, {"key": "u", "update": {"set": {"company.industry": "x"}}}),
            "steps.1.update.set.company.industry",
            "A campaign cannot set",
        ),
        # --- conditions ---
        (campaign(exit=[{"segment": "x"}]), "exit.0", 'There is no segment "x".'),
        (campaign(exit=[{"in_campaign": "x"}]), "exit.0", 'There is no campaign "x".'),
        (
            campaign(goal={"when": {"field": "lead.nme", "value": "x"}}),
            "goal.when",
            'There is no field "lead.nme".',
        ),
        (
            campaign(SEND, wait(**{"for": "P1D", "or_until": {"message": "clicked", "step": "x"}})),
            "steps.1.wait.or_until",
            'There is no step "x" that sends.',
        ),
        (
            campaign(
                SEND, branch({**YES, "when": {"any": [{"tag": "t"}, {"message": "opened", "step": "x"}]}}, NO)
            ),
            "steps.1.branch.0.when.any.1",
            'There is no step "x" that sends.',
        ),
        (
            campaign(entry={"when": {"all": [{"stage": "interest"}, {"message": "clicked"}]}}),
            "entry.when.all.1",
            "only inside a campaign",
        ),
        (
            campaign(stage=None, entry={"schedule": {"cron": "0 9 * * *"}, "audience": {"segment": "x"}}),
            "entry.audience.segment",
            'There is no segment "x".',
        ),
        (
            campaign(
                stage=None, entry={"schedule": {"cron": "0 9 * * *"}, "audience": {"when": {"segment": "x"}}}
            ),
            "entry.audience.when",
            'There is no segment "x".',
        ),
        (
            campaign(exit=[{"none": [{"none": [{"none": [{"none": [{"none": [{"tag": "x"}]}]}]}]}]}]),
            "exit.0",
            "nested deeper",
        ),
        # --- flow ---
        (campaign(LEAVE, SEND, stage=None), "steps.1", 'Nobody comes to "send": everybody leaves at "leave"'),
        (
            campaign(
                branch(
                    {**YES, "when": {"tag": "x"}, "steps": [LEAVE]}, {**NO, "steps": [{**LEAVE, "key": "l"}]}
                ),
                SEND,
            ),
            "steps.1",
            'everybody leaves at "fork"',
        ),
        (
            campaign(SEND, branch({**YES, "steps": [LEAVE, {"key": "x", "exit": {}}]}, NO)),
            "steps.1.branch.0.steps.1",
            'Nobody comes to "x"',
        ),
        (campaign(SEND, branch(YES)), "steps.1.branch", "has no arm for everybody else"),
        (campaign(SEND, branch(NO, YES)), "steps.1.branch.0", "Put otherwise last"),
        (campaign(SEND, branch(YES, NO, {**NO, "key": "n2"})), "steps.1.branch.2", "Remove this one"),
        # --- time ---
        (campaign(zone="Mars/Base"), "zone", '"Mars/Base" is not a time zone'),
        (
            campaign(
                stage=None,
                entry={"schedule": {"cron": "61 9 * * *", "zone": "X"}, "audience": {"segment": "readers"}},
            ),
            "entry.schedule.cron",
            "minute",
        ),
        (
            campaign(
                stage=None,
                entry={"schedule": {"cron": "0 9 * * *", "zone": "X"}, "audience": {"segment": "readers"}},
            ),
            "entry.schedule.zone",
            '"X" is not a time zone',
        ),
        (campaign(window={"zone": "X"}), "window.zone", '"X" is not a time zone'),
        (
            campaign(window={"from": "22:00", "to": "06:00"}),
            "window",
            "inside the quiet hours, so it never opens",
        ),
        (
            campaign({**SEND, "window": {"from": "21:00", "to": "07:00"}}),
            "steps.0.window",
            "inside the quiet hours, so it never opens",
        ),
    ],
)
def test_mistake_is_an_error(definition: CampaignDefinition, path: str, words: str) -> None:
    errors = [(where, message) for severity, where, message in found(definition) if severity == "error"]
    assert any(where == path and words in message for where, message in errors), errors


@pytest.mark.parametrize(
    ("definition", "path", "words"),
    [
        (campaign(topic=None), "", "Without a topic"),
        (
            campaign({"key": "s", "send": {"stream": "studies", "pick": "best_match"}}),
            "steps.0.send.pick",
            "needs fields to match by",
        ),
        (campaign(wait(**{"for": "P1D"})), "steps", "sends nothing"),
        (
            campaign(SEND, {"key": "x", "split": [{"key": "p", "weight": 0}, {"key": "q", "weight": 1}]}),
            "steps.1.split.0.weight",
            'Nobody goes to "p"',
        ),
        (campaign(SEND, wait(**{"for": "P7M"})), "steps.1.wait.for", "longer than half a year"),
        (
            campaign({"key": "s", "send": {"stream": "studies", "every": "PT2H", "until": 3}}),
            "steps.0.send.every",
            "less than a day",
        ),
        (campaign(window={"from": "09:00", "to": "09:30"}), "window", "open for less than 60 minutes"),
        (campaign(entry={"when": {"lifecycle": "lead"}}), "entry.when", "its entry does not ask for that"),
        (campaign(entry={**ENTRY, "reentry": "always"}), "entry.reentry", "enters again at once"),
        (
            campaign(branch({**YES, "when": {"message": "clicked", "step": "send"}}, NO), SEND),
            "steps.0.branch.0.when",
            "comes later",
        ),
        (
            campaign(exit=[{"field": "custom.role", "op": "in", "value": ["it", "cook"]}]),
            "exit.0.value",
            '"cook" is none of the choices',
        ),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(
    definition: CampaignDefinition, path: str, words: str
) -> None:
    findings = found(definition)
    assert not [finding for finding in findings if finding[0] == "error"]
    assert any(where == path and words in message for _, where, message in findings), findings


@pytest.mark.parametrize(
    "definition",
    [
        campaign(*USING_ALL, stay=True, entry={"when": {"lifecycle": "lead"}}),
        campaign(*USING_ALL, stage=None, entry={"manual": True}),
        campaign(*USING_ALL, {"key": "u", "update": {"set": {"stage": "decision", "custom.role": "it"}}}),
        campaign(*USING_ALL, wait(until={"date": "2027-02-28"})),
        campaign(*USING_ALL, window={"from": "20:00", "to": "08:00"}),
        campaign(*USING_ALL, window={"from": "22:00", "to": "06:00", "zone": "Europe/Lisbon"}),
        campaign(
            {**SEND, "window": "any"}, USING_ALL[1], {"key": "b", "send": {"template": "letters/broken"}}
        ),
        campaign(*USING_ALL, branch(YES, NO)),
        campaign(*USING_ALL, branch({**YES, "steps": [LEAVE]}, NO), {"key": "end", "exit": {}}),
        campaign(
            *USING_ALL,
            {"key": "x", "split": [{"key": "p", "weight": 1, "steps": [LEAVE]}, {"key": "q", "weight": 1}]},
            {"key": "end", "exit": {}},
        ),
        campaign(
            *USING_ALL,
            exit=[
                {"field": "custom.staff", "op": "gte", "value": "5"},
                {"field": "custom.role", "op": "known"},
            ],
        ),
        campaign(*USING_ALL, goal={"event": "purchased"}),
    ],
)
def test_what_may_be_is_not_complained_about(definition: CampaignDefinition) -> None:
    assert found(definition) == []


def test_two_campaigns_cannot_share_a_slug() -> None:
    assert found(campaign(), campaign())[0] == (
        "error", "slug", f'The slug "a" is taken by {FILE}. Choose another.'
    )  # fmt: skip


def test_identity_may_come_from_the_settings() -> None:
    nobody = Organisation.model_validate({**ORGANISATION, "identities": []})
    assert found(campaign(), organisation=nobody) == [
        (
            "warning",
            "identity",
            "Nobody is named to send from. Add an identity to organisation.yaml, or set NURTURE_FROM.",
        )
    ]


def test_template_of_an_unknown_topic_is_an_error() -> None:
    templates = {**TEMPLATES, "letters/one": template("letters/one", topic="x")}
    assert found(campaign(), templates=templates)[0][:2] == ("error", "topic")


def test_template_that_nobody_sends_is_told() -> None:
    findings = found(campaign(SEND))
    assert findings == [
        ("warning", "", "No campaign and no stream sends this template. Use it in one, or remove it.")
    ]


def test_language_that_other_letters_have_is_missed() -> None:
    templates = {
        **TEMPLATES,
        "letters/one": template("letters/one", "fr", "pt"),
        "letters/two": template("letters/two", "fr"),
    }
    ((severity, path, message),) = found(campaign(), templates=templates)
    assert (severity, path) == ("warning", "steps.1.send.template")
    assert '"letters/two" is not written in pt' in message
    assert "letters/two.pt.mjml" in message


def test_pieces_of_streams_must_exist() -> None:
    streams = Streams.model_validate(
        {
            "streams": [
                {"slug": "s", "pieces": ["case_studies/a", "case_studies/b"]},
                {"slug": "t", "folder": "none"},
            ]
        }
    )
    assert [finding[:2] for finding in found(campaign(), streams=streams)] == [
        ("error", "streams.0.pieces.1"),
        ("warning", "streams.1"),
    ]
    streams = Streams.model_validate({"streams": [{"slug": "s", "pieces": ["case_studies/b"]}]})
    assert "its pieces" in found(campaign(SEND), streams=streams)[1][2]


def test_segments_ladders_and_fit_are_looked_at() -> None:
    circle = {"segments": [{"slug": "a", "name": "A", "when": {"segment": "a"}}]}
    findings = found(campaign(), segments=Segments.model_validate(circle))
    assert findings[-1][:2] == ("error", "segments.0.when")
    assert "defined by itself" in findings[-1][2]

    rule = {"key": "k", "from": ["suspect"], "to": "lead", "when": {"any": [{"tag": "x"}, {"segment": "x"}]}}
    ladders = Ladders.model_validate({"lifecycle": {"rules": [rule]}})
    assert found(campaign(), ladders=ladders)[-1][:2] == ("error", "lifecycle.rules.0.when.any.1")

    fit = {"key": "k", "when": {"field": "lead.nme", "value": "x"}, "points": 1}
    body = {
        **DEFAULT_SCORING.model_dump(by_alias=True),
        "fit": {"grades": {"A": 3, "B": 2, "C": 1}, "rules": [fit]},
    }
    assert found(campaign(), scoring=Scoring.model_validate(body))[-1][:2] == ("error", "fit.rules.0.when")


def test_settings_may_be_missing() -> None:
    assert check(Catalogue()) == ()
    assert Catalogue(files={"streams": "x/streams.yaml"}).file("streams") == "x/streams.yaml"
    assert Catalogue().file("streams") == "campaigns/streams.yaml"


def test_findings_are_in_the_order_of_files() -> None:
    findings = check(
        catalogue(campaign(topic="x"), templates={**TEMPLATES, "letters/three": template("letters/three")})
    )
    assert [finding.file for finding in findings] == [FILE, "email_templates/letters/three.mjml"]
    assert [finding.severity for finding in findings] == [Severity.ERROR, Severity.WARNING]


def test_paths_of_tests_follow_the_tree() -> None:
    tree = All.model_validate({"all": [{"tag": "a"}, {"none": [{"tag": "b"}]}, {"any": [{"tag": "c"}]}]})
    assert [path for path, _ in single_tests(tree, ("when",))] == [
        ("when", "all", 0),
        ("when", "all", 1, "none", 0),
        ("when", "all", 2, "any", 0),
    ]


def test_steps_are_walked_from_top_to_bottom() -> None:
    definition = campaign(SEND, branch({**YES, "steps": [LEAVE]}, NO), {"key": "end", "exit": {}})
    assert [step.key for _, step in steps_of(definition)] == ["send", "fork", "leave", "end"]


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        ({"default": "1 High St"}, None),
        ({"default": " "}, "has no postal address"),
        ({}, 'There is no identity "default"'),
    ],
)
def test_campaign_needs_somebody_with_an_address_to_start(
    addresses: dict[str, str], words: str | None
) -> None:
    told = list(hindrances(campaign(), addresses))
    assert told == [] if words is None else words in told[0]
