"""Merge values: plain, cleaned, and the same after any journey through JSON."""

import json
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.content.links import NO_URLS
from nurture.content.merge_fields import known_fields
from nurture.content.values import CampaignRef, Card, Occasion, clean, merge_values, plain
from nurture.domain.definition.front_matter import Kind
from nurture.domain.values import Stage
from tests.support.letters import NOW, SENDER, URLS, lead


def flat(data: object, prefix: str = "") -> set[str]:
    if isinstance(data, dict):
        return {
            name for key, value in data.items() for name in flat(value, f"{prefix}.{key}" if prefix else key)
        }
    return {prefix}


def test_every_field_that_templates_may_name_has_a_value() -> None:
    occasion = Occasion(SENDER, URLS, NOW, CampaignRef("a", "A"), Card("t", "s", "u"), custom=("role",))
    found = flat(merge_values(lead(), occasion))
    assert known_fields(Kind.LETTER, ["role"]) == found - {"_tracking.click", "_tracking.open"}


def test_values_are_what_is_known() -> None:
    one = lead(stage=Stage.INTEREST, fields={"role": "finance", "other": "x"})
    found = merge_values(one, Occasion(SENDER, URLS, NOW, owner="Marta", custom=("role", "size")))
    assert found["lead"]["stage"] == "interest"
    assert found["lead"]["owner"] == "Marta"
    assert found["lead"]["zone"] == ""
    assert found["company"]["company_size"] == "10-49"
    assert found["custom"] == {"role": "finance", "size": ""}
    assert found["now"] == "2026-03-02T10:00:00+00:00"


def test_system_mails_see_what_they_are_given_and_no_lead() -> None:
    found = merge_values(
        None, Occasion(SENDER, NO_URLS, NOW, extra={"action_url": "https://a.example/", "n": 1.0})
    )
    assert found["lead"] == {}
    assert found["company"] == {}
    assert found["custom"] == {}
    assert found["action_url"] == "https://a.example/"
    assert found["n"] == 1
    assert found["unsubscribe_url"] == ""


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        (None, ""),
        (True, True),
        (2.0, 2),
        (0.25, 0.25),
        (float("nan"), ""),
        (float("inf"), ""),
        (1e300, "1e+300"),
        (1e-9, "1e-09"),
        (2**80, str(2**80)),
        ("a\x00b\u202ec\ud800\r\nd\te", "abc\nd e"),
        (MappingProxyType({"a": (1, None)}), {"a": [1, ""]}),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01 00:00:00+00:00"),
        ([[[["deep"]]]], [[["['deep']"]]]),
        (list(range(80)), list(range(50))),
    ],
)
def test_values_become_plain(value: object, cleaned: object) -> None:
    assert plain(value) == cleaned


def test_long_texts_are_cut() -> None:
    assert clean("x" * 5000) == "x" * 1999 + "…"


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_plain_values_survive_json(value: object) -> None:
    found = plain(value)
    assert json.loads(json.dumps(found)) == found
    assert plain(found) == found
    assert "\x00" not in json.dumps(found)
