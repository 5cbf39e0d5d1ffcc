"""Which templates are let through, and that all else is refused with its line and a way out."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.content import allow_list
from nurture.content.allow_list import Refused
from nurture.content.sandbox import make_environment

ATTACKS = {
    "arithmetic": "{{ 7*7 }}",
    "class of a text": "{{ ''.__class__ }}",
    "class of a value": "{{ lead.__class__ }}",
    "class by key": "{{ lead['__class__'] }}",
    "class by filter": "{{ lead|attr('__class__') }}",
    "the template itself": "{{ self }}",
    "the context behind it": "{{ self._TemplateReference__context }}",
    "a parent": "{{ super() }}",
    "import": "{% import 'os' as x %}",
    "from import": "{% from 'os' import system %}",
    "include": "{% include '/etc/passwd' %}",
    "extends": "{% extends 'x' %}",
    "macro": "{% macro f() %}x{% endmacro %}",
    "set": "{% set x = 1 %}",
    "doubling by set": "{% set x = x~x %}",
    "call block": "{% call f() %}x{% endcall %}",
    "do": "{% do lead.clear() %}",
    "cycler": "{{ cycler.__init__.__globals__ }}",
    "range": "{{ range(10**9) }}",
    "lipsum": "{{ lipsum(1000000) }}",
    "dict": "{{ dict(a=1) }}",
    "long text": "{{ 'a'*400000000 }}",
    "long text by a value": "{{ 'a'*lead.n }}",
    "format filter": "{{ '%0400000000d'|format(1) }}",
    "format operator": "{{ '%0400000000d' % 1 }}",
    "power": "{{ 2**9999999 }}",
    "addition": "{{ lead.a + lead.b }}",
    "loop in a loop": "{% for a in lead.x %}{% for b in lead.x %}x{% endfor %}{% endfor %}",
    "loop over a range": "{% for x in range(9) %}x{% endfor %}",
    "loop over items": "{% for k, v in lead.items() %}x{% endfor %}",
    "loop over a text": "{% for x in 'abcdefgh' %}x{% endfor %}",
    "loop with two variables": "{% for k, v in lead.x %}x{% endfor %}",
    "recursive loop": "{% for x in lead.a recursive %}{{ loop(x) }}{% endfor %}",
    "loop with a condition": "{% for x in lead.a if x %}x{% endfor %}",
    "method": "{{ lead.items() }}",
    "tojson": "{{ lead|tojson }}",
    "pprint": "{{ lead|pprint }}",
    "map": "{{ lead|map('upper')|list }}",
    "sum": "{{ [1,2]|sum }}",
    "xmlattr": "{{ lead|xmlattr }}",
    "replace": "{{ 'x'|replace('x', 'yyyyyy') }}",
    "center": "{{ 'x'|center(1000000000) }}",
    "indent": "{{ 'x'|indent(999999999) }}",
    "safe": "{{ lead.first_name|safe }}",
    "urlize": "{{ lead.first_name|urlize }}",
    "slice": "{{ lead.name[0:5] }}",
    "computed key": "{{ lead[lead.x] }}",
    "truncate by a value": "{{ 'a'|truncate(lead.x) }}",
    "truncate far": "{{ 'a'|truncate(999999999) }}",
    "round far": "{{ 1.5|round(999999999, 'ceil') }}",
    "argument list": "{{ lead.x|default(*lead.y) }}",
    "argument mapping": "{{ lead.x|default(**lead.y) }}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "raw": "{% raw %}{{ x }}{% endraw %}",
    "block": "{% block x %}y{% endblock %}",
    "with": "{% with a=1 %}y{% endwith %}",
    "autoescape off": "{% autoescape false %}{{ lead.x }}{% endautoescape %}",
    "translation": "{% trans %}x{% endtrans %}",
    "callable test": "{{ lead.x is callable }}",
    "sameas test": "{{ lead.x is sameas lead }}",
    "dictionary": "{{ {'a': 1} }}",
    "negative": "{{ -lead.x }}",
    "our links": "{{ _links }}",
    "our pixel": "{{ _pixel }}",
    "our filter": "{{ lead.x|_tracked }}",
    "huge number": "{{ 99999999999999999999 }}",
    "long constant": "{{ '" + "x" * 250 + "' }}",
    "long expression": "{{ lead.x" + " ~ lead.x" * 60 + " }}",
    "deep parentheses": "{{ " + "(" * 140 + "1" + ")" * 140 + " }}",
    "deep filters": "{{ x" + "|trim" * 55 + " }}",
    "deep ifs": "{% if lead.x %}" * 60 + "{% endif %}" * 60,
    "many values": "{{ lead.x }}" * 2500,
    "many blocks": "{% if lead.x %}{% endif %}" * 300,
    "too long": "x" * (allow_list.MAX_LENGTH + 1),
    "unclosed value": "{{ lead.x",
    "unclosed block": "{% if lead.x %}",
    "unclosed comment": "{# never",
    "no expression": "{{ }}",
}

ORDINARY = {
    "{{ lead.first_name | default('there', true) }}": "Ana",
    "{{ lead.nickname | default('there', true) }}": "there",
    "{{ lead['first_name'] | upper }}": "ANA",
    "{% if lead.language == 'pt' %}Olá{% elif lead.language %}Hi{% else %}Hey{% endif %}": "Olá",
    "{% for r in alert.reasons %}{{ loop.index }}. {{ r }}\n{% endfor %}": "1. one\n2. two\n",
    "{{ lead.first_name ~ ' ' ~ lead.last_name | title }}": "Ana Reis",
    "{{ alert.reasons | join(', ') }}": "one, two",
    "{{ alert.reasons[1] }}": "two",
    "{{ now | date('%d.%m.%Y') }}": "02.03.2026",
    "{{ 'yes' if lead.first_name in ['Ana', 'Bea'] else 'no' }}": "yes",
    "{{ lead.first_name | truncate(2, true, '', 0) }}": "An",
    "{{ 'a b' | urlencode }}": "a%20b",
    "{{ 'x' if lead.first_name is defined and not lead.nope is defined }}": "x",
    "{# a note #}Hi": "Hi",
    "{{- lead.first_name -}}": "Ana",
}
VALUES = {
    "lead": {"first_name": "Ana", "last_name": "reis", "language": "pt", "nickname": ""},
    "alert": {"reasons": ["one", "two"]},
    "now": "2026-03-02T10:00:00+00:00",
}


@pytest.mark.parametrize("source", ATTACKS.values(), ids=ATTACKS.keys())
def test_attack_is_refused(source: str) -> None:
    started = time.monotonic()
    with pytest.raises(Refused) as refused:
        allow_list.check(source)
    assert time.monotonic() - started < 5
    assert refused.value.message.rstrip("\n")[-1] in ".'}])"


@pytest.mark.parametrize(("source", "output"), ORDINARY.items())
def test_ordinary_template_renders(source: str, output: str) -> None:
    allow_list.check(source)
    assert make_environment(autoescape=True).from_string(source).render(VALUES) == output


def test_the_line_is_named() -> None:
    with pytest.raises(Refused) as refused:
        allow_list.check("Dear\n{{ lead.first_name }},\n{{ 7*7 }}")
    assert refused.value.line == 3


def test_compiled_sources_may_hold_what_compiling_adds() -> None:
    source = "{{ _links[0] }}{{ _pixel }}{% filter _tracked %}https://a.example/{% endfilter %}"
    allow_list.check(source, internal=True)
    with pytest.raises(Refused):
        allow_list.check(source)


def test_uses_names_fields_with_lines_and_whether_everybody_sees_them() -> None:
    tree = allow_list.check(
        "{{ lead.first_name }}\n{% if lead.zone %}{{ company['name'] }}{% endif %}"
        "{% for r in alert.reasons %}{{ r }}{{ loop.index }}{% endfor %}"
    )
    found = {(use.name, use.line, use.sure) for use in allow_list.uses(tree)}
    assert found == {
        ("lead.first_name", 1, True),
        ("lead.zone", 2, False),
        ("company.name", 2, False),
        ("alert.reasons", 2, False),
    }


@pytest.mark.parametrize(
    ("source", "flat"),
    [
        ("Hi {{ lead.first_name | default('there', true) }}", True),
        ("Hi", True),
        ("{% if lead.x %}a{% endif %}", False),
        ("{% for x in lead.a %}{{ x }}{% endfor %}", False),
        ("{{ 'a' if lead.x else 'b' }}", False),
    ],
)
def test_flat_templates_only_print(source: str, flat: bool) -> None:
    assert allow_list.is_flat(allow_list.check(source)) is flat


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            " if ",
            " for x in ",
            "endif",
            "endfor",
            "lead",
            ".",
            "first_name",
            "|",
            "default",
            "(",
            ")",
            "'",
            '"',
            "[",
            "]",
            "0",
            "~",
            "==",
            " in ",
            " is ",
            "defined",
            "\\",
            "\n",
            "self",
            "_",
            "__class__",
            "*",
            "range",
            "x",
            "-",
            "raw",
            "ß",
            "\x00",
        ]
    ),
    max_size=25,
).map("".join)


@given(source=FRAGMENTS)
def test_any_text_is_refused_or_renders_to_text(source: str) -> None:
    try:
        allow_list.check(source)
    except Refused:
        return
    output = make_environment(autoescape=False).from_string(source).render(VALUES)
    assert "<" not in output
