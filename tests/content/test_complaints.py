"""A wrong file: every fault in plain words, with line and key, and never in pydantic's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.content.complaints import read_as
from nurture.content.yaml_files import Sheet, read_yaml
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.definition.organisation import Organisation
from nurture.domain.definition.scoring import Scoring
from nurture.domain.definition.segments import Segments
from nurture.domain.errors import FileError

HEAD = "schema: 1\nslug: a\nname: A\nentry: {manual: true}\n"
STEPS = "steps:\n  - {key: s, send: {template: letters/x}}\n"


def complaints(text: str) -> list[str]:
    with pytest.raises(FileError) as refused:
        read_as(CampaignDefinition, read_yaml(text, "a.yaml"))
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            HEAD + "nmae: B\n" + STEPS,
            'a.yaml:5: nmae: Unknown key "nmae". Did you mean "name"? Known here: schema, ',
        ),
        (HEAD + "zzz: B\n" + STEPS, 'a.yaml:5: zzz: Unknown key "zzz". Known here: schema, slug, name'),
        (HEAD, 'a.yaml:1: steps: "steps" is missing. Add it.'),
        (HEAD + "steps: []\n", "a.yaml:5: steps: An empty list is too short: give at least 1."),
        (
            HEAD + "steps: x\n",
            'a.yaml:5: steps: "x" is not a list; begin every item with a dash, or write [a, b].',
        ),
        (
            HEAD.replace("slug: a", "slug: A b") + STEPS,
            'a.yaml:2: slug: "A b" cannot be used as slug. Use lower-case',
        ),
        (HEAD + "priority: high\n" + STEPS, 'a.yaml:5: priority: "high" is not a whole number.'),
        (
            HEAD + "priority: 101\n" + STEPS,
            'a.yaml:5: priority: "101" is not allowed: it must be at most 100.',
        ),
        (
            HEAD + "stage: x\n" + STEPS,
            'a.yaml:5: stage: "x" is not allowed here. Use "awareness", "interest",',
        ),
        (HEAD + "stay: maybe\n" + STEPS, 'a.yaml:5: stay: "maybe" is not one of "true" and "false".'),
        (
            HEAD + "goal: {event: purchased, within: soon}\n" + STEPS,
            'a.yaml:5: goal.within: "soon" is not a length of',
        ),
        (
            HEAD + "goal: {event: bought}\n" + STEPS,
            'a.yaml:5: goal.event: "bought" is not a kind of event. Use one',
        ),
        (
            HEAD + "window: {from: 9am}\n" + STEPS,
            'a.yaml:5: window.from: "9am" cannot be used as from. Write a time',
        ),
        (HEAD + "window: nope\n" + STEPS, 'a.yaml:5: window: "nope" is not a set of keys with values.'),
        (
            HEAD + "exit: [{tga: x}]\n" + STEPS,
            "a.yaml:5: exit[0]: Not a condition: use one of the keys all, any,",
        ),
        (
            HEAD + "exit: [{fit: {at_least: B, at: C}}]\n" + STEPS,
            'a.yaml:5: exit[0].fit.at: Unknown key "at".',
        ),
        (
            HEAD + "steps:\n  - {key: s, snd: {}}\n",
            "a.yaml:6: steps[0]: Not a step: use one of the keys send, wait,",
        ),
        (
            HEAD + "steps:\n  - {key: s, send: {tmplate: x}}\n",
            'a.yaml:6: steps[0].send.tmplate: Unknown key "tmplate". Did you mean "template"?',
        ),
        (
            HEAD + "steps:\n  - {key: s, window: anny, send: {template: x}}\n",
            'a.yaml:6: steps[0].window: "anny" is not allowed here. Use "any".',
        ),
        (
            HEAD
            + "steps:\n  - key: b\n    branch:\n"
            + "      - {key: c, otherwise: true, steps: [{key: d, wait: {fro: P1D}}]}\n",
            'a.yaml:8: steps[0].branch[0].steps[0].wait.fro: Unknown key "fro". Did you mean "for"?',
        ),
        (
            HEAD.replace("entry: {manual: true}", "entry: {}") + STEPS,
            "a.yaml:4: entry: Give exactly one of when,",
        ),
        (HEAD.replace("name: A", f"name: {'x' * 201}") + STEPS, "is too long: 200 is the most."),
        (HEAD.replace("name: A", "name:") + STEPS, "a.yaml:3: name: An empty value is not a text."),
        ("- a\n- b\n", "a.yaml:1: The file must hold keys with values, one to a line. Known here: schema,"),
        ("", "a.yaml:1: The file must hold keys with values"),
    ],
)
def test_fault_is_told_in_plain_words(text: str, complaint: str) -> None:
    assert any(complaint in told for told in complaints(text)), complaints(text)


def test_all_faults_are_told_in_the_order_of_lines() -> None:
    told = complaints(HEAD + "priority: x\nholdout: y\nstage: z\n" + STEPS)
    assert [line.split(":")[1] for line in told] == ["5", "6", "7"]


def test_window_of_two_kinds_is_complained_about_once() -> None:
    told = complaints(HEAD + "steps:\n  - {key: s, window: {to: 99}, send: {template: x}}\n")
    assert len(told) == 1
    assert "steps[0].window.to" in told[0]


WORDS = st.sampled_from(
    [
        "schema",
        "slug",
        "name",
        "entry",
        "steps",
        "when",
        "all",
        "any",
        "field",
        "op",
        "value",
        "event",
        "key",
        "send",
        "template",
        "wait",
        "for",
        "until",
        "branch",
        "window",
        "days",
        "from",
        "exit",
        "goal",
        "segments",
        "rules",
        "fit",
        "grades",
        "identities",
        "topics",
        "1",
        "P3D",
        "x",
        "mon",
        "lifecycle",
        "lead",
        "true",
        "09:00",
        "",
    ]
)
DATA = st.recursive(
    WORDS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(data=st.dictionaries(WORDS, DATA, max_size=6))
@pytest.mark.parametrize("model", [CampaignDefinition, Organisation, Segments, Scoring])
def test_any_data_is_a_definition_or_plainly_refused(
    model: type[CampaignDefinition], data: dict[str, object]
) -> None:
    text = _told(model, data)
    assert "validation error" not in text
    assert "Input should" not in text
    assert "pydantic" not in text
    assert all(line.rstrip()[-1] in ".?!…" for line in text.splitlines()), text


def _told(model: type[CampaignDefinition], data: dict[str, object]) -> str:
    try:
        read_as(model, Sheet("a.yaml", "", data, {(): 1}))
    except FileError as refused:
        return str(refused)
    return ""
