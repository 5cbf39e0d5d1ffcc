"""Masks: every Jinja tag is found whole, hidden, and put back where it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.content.masks import UnclosedTag, mask, tags, without_comments

TEXTS = st.lists(
    st.sampled_from(
        [
            "{{ a }}",
            "{% if a < b %}",
            "{%- endif -%}",
            '{{ "}}" }}',
            "{{ '%}' ~ \"{{\" }}",
            "{# x\ny #}",
            "a",
            "<b>",
            "\n",
            "jx",
            "n0x",
            "}}",
            "%}",
            "{",
            " ",
        ]
    ),
    max_size=20,
).map("".join)


@given(text=TEXTS)
def test_what_is_masked_comes_back(text: str) -> None:
    try:
        plain = without_comments(text)
        masked, masks, found = mask(plain)
    except UnclosedTag:
        return
    assert masks.unmask(masked) == plain
    assert masks.found(masked) == list(range(len(found)))
    assert "{{" not in masked
    assert "{%" not in masked


@given(text=TEXTS)
def test_comments_go_and_lines_stay(text: str) -> None:
    try:
        plain = without_comments(text)
    except UnclosedTag:
        return
    assert plain.count("\n") == text.count("\n")


def test_braces_in_quotes_do_not_end_a_tag() -> None:
    text = """{{ "a}}b" ~ 'c\\'}}' }}{% if x == "%}" %}"""
    assert [tag.source for tag in tags(text)] == ["""{{ "a}}b" ~ 'c\\'}}' }}""", '{% if x == "%}" %}']


@pytest.mark.parametrize("text", ["a {{ b", "{% if", "{# x", "{{ 'a }}", "{{ " + "x" * 300 + " }}"])
def test_tag_that_does_not_end_is_told(text: str) -> None:
    with pytest.raises(UnclosedTag) as unclosed:
        list(tags(text))
    assert unclosed.value.start == text.index("{")


def test_words_do_not_occur_in_the_text() -> None:
    text = "{{ a }}"
    masked, masks, _ = mask(text)
    again, others, _ = mask(text + masks.prefix)
    assert others.prefix != masks.prefix
    assert masked != again


def test_masking_gives_the_same_every_time() -> None:
    assert mask("{{ a }} b")[0] == mask("{{ a }} b")[0]
