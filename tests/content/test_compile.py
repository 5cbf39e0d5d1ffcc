"""Templates: what compiling makes of them, and that a wrong one is refused where it is wrong."""

import json

import pytest

from nurture.content.compile import Compiled, compile_template, version_of
from nurture.domain.errors import TemplateError
from tests.support.letters import LAYOUT, compiled, section, template

WHOLE = """\
<mjml><mj-body><mj-section><mj-column><mj-text>
{{ from_identity.postal_address }} <a href="{{ unsubscribe_url }}">out</a>
</mj-text></mj-column></mj-section></mj-body></mjml>
"""


def refusal(body: str, **front: str) -> str:
    with pytest.raises(TemplateError) as refused:
        compile_template(template(body, **front))
    return str(refused.value)


def test_what_is_compiled_survives_json() -> None:
    made = compiled('Hi {{ lead.first_name }} <a href="https://a.example/x">x</a>')
    assert Compiled.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_static_links_are_numbered_from_one() -> None:
    made = compiled('<a href="https://a.example/?x=1&amp;y=2">x</a> <a href="https://b.example/">y</a>')
    assert made.links == ("https://a.example/?x=1&y=2", "https://b.example/")
    assert made.html.index("_links[0]") < made.html.index("_links[1]")
    assert "x ({{ _links[0] }})" in made.text


def test_own_addresses_are_not_counted() -> None:
    made = compiled(
        '<a href="{{ preferences_url }}">p</a> <a href="mailto:a@example.com">m</a> <a href="#x">t</a>'
    )
    assert made.links == ()
    assert '<a href="{{ preferences_url }}">' in made.html


def test_flat_is_told_from_the_rest() -> None:
    assert compiled("Hi {{ lead.first_name | default('there', true) }}").flat
    assert not compiled("{% if lead.first_name %}Hi{% endif %}").flat


def test_jinja_may_stand_between_sections_and_in_tables() -> None:
    body = (
        "{% if lead.zone %}\n"
        + section("{% for r in alert.reasons %}{{ r }}<br />{% endfor %}")
        + "{% else %}\n"
        + "<mj-section><mj-column><mj-table>{% for r in alert.reasons %}<tr><td>{{ r }}</td><td>b</td></tr>"
        + "{% endfor %}</mj-table></mj-column></mj-section>{% endif %}\n"
    )
    layout = LAYOUT.replace('<a href="{{ unsubscribe_url }}">unsubscribe</a>', "")
    made = compile_template(template(body, kind="system", layout=layout))
    assert made.text.count("{% endfor %}") == 2
    assert "{{ r }} | b" in made.text


def test_comparisons_and_quotes_survive_mjml() -> None:
    made = compiled("""{% if lead.stage < "z" and lead.zone == 'a' %}Hi{% endif %} 1 &lt; 2""")
    assert """{% if lead.stage < "z" and lead.zone == 'a' %}Hi{% endif %}""" in made.html


def test_windows_line_ends_compile() -> None:
    body = section("Hi\nthere").replace("\n", "\r\n")
    assert compile_template(template(body, layout=LAYOUT.replace("\n", "\r\n"))).links == ()


def test_subject_is_escaped_in_the_page_and_plain_as_a_header() -> None:
    made = compiled("Hi", subject='"Fish & chips for {{ lead.first_name }} <today>"')
    assert "<title>Fish &amp; chips for {{ lead.first_name }} &lt;today&gt;</title>" in made.html
    assert made.subject == "Fish & chips for {{ lead.first_name }} <today>"


def test_comments_leave_no_trace_and_lines_stay() -> None:
    body = "{# one\ntwo\nthree #}\n" + section("{{ lead.nickname }}")
    message = refusal(body)
    assert "email_templates/letters/one.mjml:9:" in message


def test_version_depends_on_template_layout_and_language() -> None:
    body = section("Hi")
    versions = {
        version_of(template(body)),
        version_of(template(body + "<!-- more -->")),
        version_of(template(body, layout=LAYOUT + "\n")),
        version_of(template(body, preheader="Look")),
    }
    assert len(versions) == 4
    assert version_of(template(body)) in versions


def test_compiling_twice_gives_the_same() -> None:
    assert compiled("Hi {{ lead.first_name }}") == compiled("Hi {{ lead.first_name }}")


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        (section("\n{{ lead.firstname }}"), 7, 'Did you mean "lead.first_name"?'),
        (section("{{ lead }}"), 6, "is several fields"),
        (section("{{ custom.hobby }}"), 6, 'no merge field "custom.hobby"'),
        (section("\n\n{{ 7*7 }}"), 8, "multiplication"),
        (section("{% if lead.zone %}"), 6, "not Jinja"),
        (section("\n{{ lead.zone "), 7, "not closed"),
        (section("a < b"), 6, "not MJML"),
        ("<mj-section>\n<mj-colum>x</mj-colum></mj-section>", 7, "no component mj-colum"),
        ('<mj-section colour="red"><mj-column></mj-column></mj-section>', 6, 'no attribute "colour"'),
        ("<mj-section><mj-column>\n<mj-carousel></mj-carousel></mj-column></mj-section>", 7, "not allowed"),
        (section('<a href="javascript:alert(1)">x</a>'), 6, "https://"),
        (section('<a href="/pricing">x</a>'), 6, "complete"),
        (section('<a href="//evil.example/x">x</a>'), 6, "complete"),
        (section('<a href="https:evil.example">x</a>'), 6, "complete"),
        (section('<a href="https://a@evil.example/">x</a>'), 6, "plain host"),
        (section('<a href="https://a.example\\@evil.example/">x</a>'), 6, "characters"),
        (section('<a href="https://exämple.com/">x</a>'), 6, "characters"),
        (section('<a href="{{ company.domain }}">x</a>'), 6, "must not choose the host"),
        (section('<a href="https://{{ company.domain }}/">x</a>'), 6, "must not choose the host"),
        (section('<a href="https://a.example{{ lead.zone }}/">x</a>'), 6, "must not choose the host"),
        (section('<a href="https://a.example:{{ lead.zone }}/">x</a>'), 6, "must not choose the host"),
        (section('<img src="{{ lead.zone }}" alt="x" />'), 6, "must not choose the host"),
        (section('<b style="color: {{ lead.zone }}">x</b>'), 6, 'cannot stand in "style"'),
        (section('<b onclick="x()">x</b>'), 6, "runs a script"),
        (section("<script>x()</script>"), 6, "not allowed in a mail"),
        (section('<iframe src="https://a.example/"></iframe>'), 6, "not allowed in a mail"),
        (section('<b {{ lead.zone }}="x">x</b>'), 6, ""),
        (
            section('<img width="{{ lead.zone }}" src="https://a.example/a.png" />'),
            6,
            'cannot stand in "width"',
        ),
        (section("&#123;&#123; 7*7 &#125;&#125;"), 6, "merge fields only"),
        ('<mj-section><mj-column width="{{ lead.zone }}"></mj-column></mj-section>', 6, ""),
        ('<mj-section><mj-column><mj-image src="x.png" /></mj-column></mj-section>', 6, "complete"),
        (section("<!-- {{ lead.zone }} -->"), 6, "comment"),
        (section("<style>@import url(https://a.example/x.css);</style>"), 6, "@import"),
        (section('<meta http-equiv="refresh" content="0;url=https://a.example/" />'), 6, "refresh"),
        (section('<svg><image xlink:href="http:x" /></svg>'), 6, "complete"),
        (section('<a href="https://[x/">x</a>'), 6, "is no address"),
        (section("<a title='href=\"z\"' href='https://a.example/'>x</a>"), 6, "double quote"),
        (section("<p>a<p>b"), 6, "not MJML"),
        ("<mj-section><mj-column mj-class='a \"b\"'></mj-column></mj-section>", 6, "double quote"),
        ("<mj-section>\n<mj-column></mj-section>", 7, "not MJML"),
        ("<mj-section></mj-section></mj-body>", 6, "not MJML"),
    ],
)
def test_wrong_template_is_refused_where_it_is_wrong(body: str, line: int, words: str) -> None:
    message = refusal(body)
    assert f"email_templates/letters/one.mjml:{line}:" in message
    assert words in message


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ('<mj-font name="Inter" href="https://fonts.example/i" />', "mj-font is not allowed"),
        ("<mj-style>@import url(https://a.example/x.css);</mj-style>", "@import"),
        ('<mj-style inline="inline">b { color: red }</mj-style>', "not inlined"),
        ('<mj-include path="x.mjml" />', "Use a layout"),
        ("<mj-style>b { color: {{ lead.zone }} }</mj-style>", "style sheet"),
    ],
)
def test_what_loads_or_hides_in_the_head_is_refused(head: str, words: str) -> None:
    layout = LAYOUT.replace("<mj-head>", f"<mj-head>\n    {head}")
    with pytest.raises(TemplateError) as refused:
        compile_template(template(section("Hi"), layout=layout))
    assert "email_templates/_layouts/plain.mjml:3:" in str(refused.value)
    assert words in str(refused.value)


def test_social_icons_need_a_source_and_do_not_share() -> None:
    element = '<mj-social><mj-social-element name="linkedin" href="https://a.example/" /></mj-social>'
    message = refusal(f"<mj-section><mj-column>{element}</mj-column></mj-section>")
    assert "Give your own" in message
    assert "linkedin-noshare" in message


def test_address_and_unsubscribe_are_needed_whatever_the_lead() -> None:
    assert "must show {{ unsubscribe_url }}" in refusal("<mjml><mj-body></mj-body></mjml>", layout=None)
    hidden = WHOLE.replace("{{ from", "{% if lead.zone %}{{ from").replace(
        "address }}", "address }}{% endif %}"
    )
    assert "outside of if and for" in refusal(hidden, layout=None)
    assert compile_template(template(WHOLE, layout=None)).slug == "letters/one"


def test_system_mails_need_neither_and_cannot_unsubscribe() -> None:
    body = f"<mjml><mj-body>{section('{}')}</mj-body></mjml>"
    compile_template(template(body.format("{{ action_url }}"), layout=None, kind="system"))
    message = refusal(body.format("{{ unsubscribe_url }}"), layout=None, kind="system")
    assert 'no merge field "unsubscribe_url"' in message


def test_all_unknown_fields_are_told_at_once() -> None:
    with pytest.raises(TemplateError) as refused:
        compile_template(template(section("{{ lead.a }} {{ lead.b }}"), subject='"{{ lead.c }}"'))
    assert len(refused.value.problems) == 3
    assert {problem.key for problem in refused.value.problems} == {"", "subject"}
