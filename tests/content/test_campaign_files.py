"""Campaign files: what is read, and that what is written reads back to the same."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from nurture.content.campaign_files import (
    SETTINGS,
    body_of,
    digest_of,
    dump,
    parse_campaign,
    parse_settings,
    read_design,
)
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.errors import FileError

ROOT = Path(__file__).parents[2]
CAMPAIGN = """\
schema: 1
slug: hello
name: Hello
status: active
entry: {manual: true}
steps:
  - {key: one, send: {template: letters/one}}
"""

# --- definitions of every shape ------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b-c", "d_e", "folder/f", "on", "1e3", "null"])
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20
) | st.sampled_from(
    [
        "no",
        "null",
        "~",
        "12:30",
        "2026-03-01",
        "a: b",
        "- x",
        "# y",
        "'",
        '"',
        "[a",
        "{b",
        "*c",
        "&d",
        "!e",
        "%f",
        "1_000",
        " lead",
        "trail ",
        "two\nlines",
        "tab\tbed",
        "x" * 200,
        "ünï",
        "日本",
        "@at",
        "`b`",
        "yes",
        "0x1F",
    ]
)
DURATIONS = st.sampled_from(["P3D", "PT4H", "P1M", "P2W", "PT30M"])
TIMES = st.sampled_from(["00:00", "09:30", "23:59"])
CONDITIONS = st.recursive(
    st.one_of(
        st.builds(lambda v: {"field": "lead.language", "op": "is", "value": v}, TEXTS),
        st.builds(
            lambda v: {"field": "company.industry", "op": "in", "value": v}, st.lists(TEXTS, min_size=1)
        ),
        st.just({"field": "lead.zone", "op": "unknown"}),
        st.builds(
            lambda c, d: {"event": "email_clicked", "count": c, "within": d}, st.integers(1, 9), DURATIONS
        ),
        st.builds(lambda v: {"event": "custom:x", "ever": True, "where": {"form": v}}, TEXTS),
        st.builds(lambda k: {"message": "clicked", "step": k}, st.sampled_from(["a", "b"])),
        st.builds(lambda n: {"engagement": {"gte": n}}, st.floats(-1e6, 1e6)),
        st.just({"fit": {"at_least": "B"}}),
        st.just({"lifecycle": ["lead", "prospect"]}),
        st.just({"stage": "interest"}),
        st.builds(lambda t: {"tag": t}, TEXTS),
        st.builds(lambda d: {"has_been": {"lifecycle": "lead"}, "for": d}, DURATIONS),
    ),
    lambda inner: st.builds(
        lambda word, parts: {word: parts},
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=4,
)
WINDOWS = st.just("any") | st.builds(lambda t: {"days": ["mon", "sun"], "from": "00:15", "to": t}, TIMES)


def steps(key: str) -> st.SearchStrategy[dict[str, object]]:
    simple: list[st.SearchStrategy[dict[str, object]]] = [
        st.builds(lambda t, w: {"key": key, "send": {"template": t}, "window": w}, NAMES, WINDOWS),
        st.builds(
            lambda d, n: {"key": key, "send": {"stream": "s", "pick": "next", "every": d, "until": n}},
            DURATIONS,
            st.integers(1, 9),
        ),
        st.builds(lambda d, c: {"key": key, "wait": {"for": d, "or_until": c}}, DURATIONS, CONDITIONS),
        st.builds(lambda t: {"key": key, "wait": {"until": {"weekday": ["mon", "tue"], "at": t}}}, TIMES),
        st.builds(
            lambda t: {"key": key, "update": {"tags": [t], "set": {"stage": "action"}, "points": -2.5}}, TEXTS
        ),
        st.builds(
            lambda t, d: {"key": key, "notify": {"owner": True, "due": d, "reason": t}}, TEXTS, DURATIONS
        ),
        st.builds(lambda t: {"key": key, "name": t, "exit": {"reason": "done"}}, TEXTS),
    ]
    if len(key) > 6:
        return st.one_of(simple)
    arms = [
        st.builds(
            lambda c, s: {
                "key": key,
                "branch": [
                    {"key": f"{key}-y", "when": c, "steps": [s]},
                    {"key": f"{key}-n", "otherwise": True, "steps": []},
                ],
            },
            CONDITIONS,
            st.deferred(lambda: steps(f"{key}-b")),
        ),
        st.builds(
            lambda s: {
                "key": key,
                "split": [
                    {"key": f"{key}-p", "weight": 30, "steps": [s]},
                    {"key": f"{key}-q", "weight": 70, "steps": []},
                ],
            },
            st.deferred(lambda: steps(f"{key}-s")),
        ),
    ]
    return st.one_of(*simple, *arms)


ENTRIES = st.one_of(
    st.builds(lambda c, d: {"when": c, "reentry": {"after": d}}, CONDITIONS, DURATIONS),
    st.just({"event": "purchased", "where": {"plan": ["a", "b"]}, "reentry": "always"}),
    st.just({"schedule": {"cron": "0 9 1 * *", "zone": "Europe/Lisbon"}, "audience": {"segment": "s"}}),
    st.just({"manual": True}),
)
CAMPAIGNS = st.builds(
    lambda name, entry, exits, step, more: {
        "slug": "c", "name": name, "entry": entry, "exit": exits, "steps": [step], **more
    },
    TEXTS,
    ENTRIES,
    st.lists(CONDITIONS, max_size=2),
    st.deferred(lambda: steps("k")),
    st.fixed_dictionaries(
        {},
        optional={
            "stage": st.just("interest"),
            "stay": st.just(True),
            "holdout": st.integers(0, 100),
            "topic": NAMES,
            "description": TEXTS,
            "zone": st.just("Asia/Tokyo"),
            "window": st.just({"days": ["tue"], "from": "22:00", "to": "06:00", "holidays": "PT"}),
            "goal": st.builds(lambda d: {"event": "purchased", "within": d}, DURATIONS),
            "on_unconfirmed": st.just("resend_after_24h"),
        },
    ),
)  # fmt: skip


@given(data=CAMPAIGNS)
def test_what_is_dumped_reads_back_to_the_same(data: dict[str, object]) -> None:
    definition = CampaignDefinition.model_validate(data)
    text = dump(definition)
    assert parse_campaign(text, "a.yaml").definition == definition
    assert dump(parse_campaign(text, "a.yaml").definition) == text
    assert CampaignDefinition.model_validate(body_of(definition)) == definition


@pytest.mark.parametrize("path", sorted((ROOT / "campaigns").glob("*/*.yaml")), ids=lambda path: path.stem)
def test_shipped_campaign_reads_back_to_the_same(path: Path) -> None:
    definition = parse_campaign(path.read_text(encoding="utf-8"), path.name).definition
    assert parse_campaign(dump(definition), path.name).definition == definition


@pytest.mark.parametrize("name", SETTINGS)
def test_shipped_settings_read_back_to_the_same(name: str) -> None:
    source = (ROOT / "campaigns" / f"{name}.yaml").read_text(encoding="utf-8")
    settings: BaseModel = parse_settings(source, name, name).settings
    assert parse_settings(dump(settings), name, name).settings == settings
    assert type(settings).model_validate(body_of(settings)) == settings


def test_what_is_dumped_is_readable() -> None:
    text = dump(parse_campaign(CAMPAIGN, "a.yaml").definition)
    assert text == CAMPAIGN


# --- reading -------------------------------------------------------------------------------------


def test_status_comments_and_order_of_keys_do_not_change_what_a_campaign_does() -> None:
    definition = parse_campaign(CAMPAIGN, "a.yaml").definition
    other = parse_campaign(
        "# Hi\n" + CAMPAIGN.replace("status: active\n", "status: draft\n"), "a.yaml"
    ).definition
    assert digest_of(definition) == digest_of(other)
    assert digest_of(definition) != digest_of(definition.model_copy(update={"name": "Other"}))


def test_key_that_stands_twice_is_told_where_it_does() -> None:
    text = CAMPAIGN + "  - {key: two, exit: {}}\n  - {key: one, exit: {}}\n"
    with pytest.raises(FileError) as refused:
        parse_campaign(text, "a.yaml")
    assert str(refused.value) == (
        'a.yaml:9: steps[2].key: The key "one" is used twice, first in line 7. Choose another.'
    )


def test_schema_is_asked_for() -> None:
    with pytest.raises(FileError, match=r'a\.yaml:1: schema: "schema" is missing\.'):
        parse_campaign(CAMPAIGN.removeprefix("schema: 1\n"), "a.yaml")


def test_directory_is_read_with_everything_that_is_wrong_in_it(tmp_path: Path) -> None:
    campaigns = tmp_path / "campaigns"
    (campaigns / "forms").mkdir(parents=True)
    (campaigns / "stage").mkdir()
    (campaigns / "stage" / "good.yaml").write_text(CAMPAIGN)
    (campaigns / "stage" / "bad.yaml").write_bytes(b"\xff")
    (campaigns / "stage" / "other.yml").write_text(CAMPAIGN)
    (campaigns / "forms" / "demo.yaml").write_text("anything: at all")
    (campaigns / "streams.yaml").write_text("schema: 1\nstreams: [{slug: s, folder: s}]")
    (campaigns / "stream.yaml").write_text("schema: 1")
    design, problems = read_design(campaigns)
    assert [file.definition.slug for file in design.campaigns] == ["hello"]
    assert set(design.settings) == {"streams"}
    assert [str(problem).split(": ")[0] for problem in problems] == [
        "campaigns/stage/bad.yaml:1",
        "campaigns/stream.yaml",
        "campaigns/stage/other.yml",
    ]
