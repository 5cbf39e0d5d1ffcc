"""Rendering: the same bytes every time, whatever a lead's values hold, and bounded."""

import json
import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.content.compile import Compiled, compile_template
from nurture.content.links import LinkScheme, message_urls, target_of
from nurture.content.render import render
from nurture.domain.errors import TemplateError
from tests.support.letters import BASE, KEYS, URLS, compiled, rendered, section, template, values

ALL_PLACES = (
    '{{ lead.first_name | default("there", true) }} '
    '<img alt="{{ lead.last_name }}" src="https://a.example/x.png" /> '
    '<a href="https://a.example/{{ lead.first_name }}?n={{ lead.last_name }}" title="{{ lead.first_name }}">'
    "go</a>"
)
ANY_TEXT = st.text(max_size=60) | st.sampled_from(
    [
        "{{ 7*7 }}",
        "{% raw %}",
        "<script>alert(1)</script>",
        '" onmouseover="x',
        "javascript:alert(1)",
        "=?UTF-8?Q?=0A?=Bcc: x@y",
        "\x00\x1b[2J",
        "\u202eevil\u2066",
        "&lt;",
        "jx000000n0x",
        "\U0001f600" * 300,
    ]
)


def test_missing_values_are_empty_or_the_default() -> None:
    mail = rendered(
        "Hi {{ lead.first_name | default('there', true) }}, {{ lead.zone }}{{ company.country }}!"
    )
    assert "Hi Ana, !" in mail.html
    mail = rendered("Hi {{ lead.first_name | default('there', true) }}!", first_name=None, company=None)
    assert "Hi there!" in mail.text


def test_values_are_escaped_in_html_and_plain_in_text() -> None:
    mail = rendered("Hi {{ lead.first_name }}", first_name="<script>Tom & 'Jerry'</script>")
    assert "&lt;script&gt;Tom &amp; &#39;Jerry&#39;&lt;/script&gt;" in mail.html
    assert "Hi <script>Tom & 'Jerry'</script>" in mail.text


def test_values_in_addresses_are_encoded_and_stay_on_their_host() -> None:
    mail = rendered('<a href="https://a.example/?q={{ lead.first_name }}">x</a>', first_name="a&b=../@evil?#")
    assert mail.links == ((1, "https://a.example/?q=a%26b%3D../%40evil%3F%23"),)
    assert f"{URLS.click}/1" in mail.html
    assert "evil" not in mail.html


def test_dynamic_links_are_numbered_behind_static_ones_and_once_each() -> None:
    body = (
        '<a href="https://a.example/s">s</a><a href="https://a.example/{{ lead.first_name }}">d</a>'
        '<a href="https://a.example/{{ lead.first_name }}">e</a>'
        '<a href="https://b.example/{{ lead.zone }}">f</a>'
    )
    made = compiled(body)
    mail = render(made, values())
    assert made.links == ("https://a.example/s",)
    assert mail.links == ((2, "https://a.example/Ana"), (3, "https://b.example/"))
    assert re.findall(r"/c/[^/]+/(\d)", mail.html) == ["1", "2", "2", "3"]
    assert re.findall(r"/c/[^/]+/(\d)", mail.text) == ["1", "2", "2", "3"]


def test_links_in_loops_have_a_number_each() -> None:
    layout = "<mjml><mj-body><!-- slot --></mj-body></mjml>"
    body = section('{% for r in alert.reasons %}<a href="https://a.example/{{ r }}">{{ r }}</a>{% endfor %}')
    made = compile_template(template(body, kind="system", layout=layout))
    mail = render(made, {"alert": {"reasons": ["a", "b", "a"]}, "_tracking": {"click": f"{BASE}/c/t"}})
    assert mail.links == ((1, "https://a.example/a"), (2, "https://a.example/b"))
    assert re.findall(r"/c/t/(\d)", mail.html) == ["1", "2", "1"]


def test_operator_switches_tracking_off() -> None:
    body = '<a href="https://a.example/s?x=1&amp;y=2">s</a>'
    body += '<a href="https://a.example/{{ lead.first_name }}">d</a>'
    urls = message_urls(LinkScheme(KEYS, BASE, track_opens=False, track_clicks=False), 7, 3)
    mail = rendered(body, urls)
    assert 'href="https://a.example/s?x=1&amp;y=2"' in mail.html
    assert 'href="https://a.example/Ana"' in mail.html
    assert "s (https://a.example/s?x=1&y=2)" in mail.text
    assert "/o/" not in mail.html
    assert "/o/" in rendered(body).html


def test_targets_are_found_by_number() -> None:
    data = compiled('<a href="https://a.example/s">s</a>').to_json()
    assert target_of(data, 1) == "https://a.example/s"
    assert target_of(data, 0) is None
    assert target_of(data, 2) is None


def test_subject_is_one_line() -> None:
    made = compiled("Hi", subject='"For {{ lead.first_name }}"')
    assert render(made, values(first_name="Ana\r\nBcc: x@y.example")).subject == "For Ana Bcc: x@y.example"


def test_text_has_no_gaps_where_an_if_was_not_taken() -> None:
    body = section("one") + "{% if lead.zone %}" + section("zone") + "{% endif %}" + section("two")
    text = render(compile_template(template(body)), values()).text
    assert text.startswith("one\n\ntwo\n\n")


def test_control_characters_that_reach_rendering_fail_the_message() -> None:
    with pytest.raises(TemplateError, match="U\\+0000"):
        render(compiled("Hi {{ lead.first_name }}"), {**values(), "lead": {"first_name": "\x00"}})


def test_template_that_fails_for_one_lead_says_so() -> None:
    made = compiled("{{ lead.first_name | round }}")
    with pytest.raises(TemplateError, match="letters/one: The mail was not rendered"):
        render(made, values())


def test_tampered_version_is_not_rendered() -> None:
    made = replace(compiled("Hi"), html="{{ ''.__class__ }}")
    with pytest.raises(TemplateError, match="__class__"):
        render(made, values())


@pytest.mark.parametrize(
    "missing", [{"unsubscribe_url": ""}, {"from_identity": {"postal_address": " "}}, {"from_identity": {}}]
)
def test_no_marketing_mail_goes_without_address_or_way_out(missing: dict[str, object]) -> None:
    with pytest.raises(TemplateError, match="is empty"):
        render(compiled("Hi"), {**values(), **missing})


def test_output_is_bounded() -> None:
    loop = "{% for r in alert.reasons %}{{ r }}{{ r }}{% endfor %}"
    made = replace(compiled("Hi"), html=loop, flat=False)
    with pytest.raises(TemplateError, match="larger than 2 MB"):
        render(made, {**values(), "alert": {"reasons": ["x" * 2000] * 1000}})


def test_time_is_bounded() -> None:
    loop = "{% for r in alert.reasons %}{{ r }}{% endfor %}"
    made = replace(compiled("Hi"), html=loop, flat=False)
    started = time.monotonic()
    with pytest.raises(TemplateError, match="longer than 2 seconds"):
        render(made, {**values(), "alert": {"reasons": _Endless()}})
    assert time.monotonic() - started < 20


def test_endless_name_neither_fails_nor_spoils_a_mail() -> None:
    mail = render(_ALL, values(first_name="A" * 65_536, last_name="ß" * 65_536))
    assert len(mail.html) < 10_000


class _Endless:
    """Yields empty texts for ever, which a cap on size alone would not stop."""

    def __iter__(self) -> "_Endless":
        return self

    def __next__(self) -> str:
        return ""


@given(first_name=ANY_TEXT, last_name=ANY_TEXT)
def test_any_lead_renders_to_the_same_page_with_its_values_inside(first_name: str, last_name: str) -> None:
    made, given_values = _ALL, values(first_name=first_name, last_name=last_name)
    mail = render(made, given_values)
    again = render(
        Compiled.from_json(json.loads(json.dumps(made.to_json()))), json.loads(json.dumps(given_values))
    )
    assert mail == again
    assert re.findall(r"<[a-z/!][^\s>]*", mail.html) == _TAGS
    assert all(target.startswith("https://a.example/") for _, target in mail.links)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", mail.html)
    assert len(mail.html) < 60_000


_ALL = compiled(ALL_PLACES)
_TAGS = re.findall(r"<[a-z/!][^\s>]*", render(_ALL, values()).html)
