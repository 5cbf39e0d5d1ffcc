"""Template files: front matter, variants that inherit, layouts, and what is wrong with them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.content.library import Library, parse_library, read_library
from nurture.domain.definition.front_matter import Kind
from nurture.domain.errors import Problem

LAYOUT = "<mjml><mj-body><!-- slot --></mj-body></mjml>"
HEAD = "---\nkind: letter\nlayout: plain\nsubject: Hi\n---\n"
ALL = {"_layouts/plain.mjml": LAYOUT, "letters/a.mjml": HEAD}


def read(texts: dict[str, str]) -> tuple[Library, list[str]]:
    library, problems = parse_library(texts, "email_templates")
    return library, [str(problem) for problem in problems]


def test_body_begins_behind_the_front_matter() -> None:
    library, problems = read({**ALL, "letters/a.mjml": HEAD + "<mj-section/>\n"})
    (template,) = library.templates
    assert (template.slug, template.language, template.body, template.body_line) == (
        "letters/a", "", "<mj-section/>\n", 6
    )  # fmt: skip
    assert template.front.kind is Kind.LETTER
    assert problems == []


def test_variant_inherits_key_by_key_and_takes_its_own_layout() -> None:
    base = HEAD.replace("subject: Hi", "subject: Hi\npreheader: Look\norder: 3\nstages: [awareness]")
    variant = "---\nkind: letter\nsubject: Salut\norder: 4\n---\n"
    texts = {
        "_layouts/plain.mjml": LAYOUT,
        "_layouts/plain.fr.mjml": LAYOUT + "\n",
        "letters/a.mjml": base,
        "letters/a.fr.mjml": variant,
        "letters/a.pt.mjml": variant,
    }
    library, problems = read(texts)
    assert problems == []
    base_file, french, portuguese = library.templates
    assert (french.front.subject, french.front.preheader, french.front.order) == ("Salut", "Look", 4)
    assert french.layout is not None
    assert french.layout.name == "plain.fr"
    assert portuguese.layout is not None
    assert portuguese.layout.name == "plain"
    assert base_file.front.preheader == "Look"


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (
            {"letters/a.mjml": "<mjml></mjml>"},
            "email_templates/letters/a.mjml:1: A template begins with front matter",
        ),
        (
            {"letters/a.mjml": "---\nkind: letter\n"},
            "email_templates/letters/a.mjml:1: A template begins with",
        ),
        (
            {"letters/a.mjml": HEAD},
            'email_templates/letters/a.mjml:3: layout: There is no layout "plain" in _layouts/.',
        ),
        (
            {"letters/a.mjml": "---\nkind: leter\nsubject: x\n---\n"},
            'email_templates/letters/a.mjml:2: kind: "leter" is not allowed here. Use "newsletter"',
        ),
        (
            {"letters/a.mjml": "---\nkind: letter\nsubject: x\nexpires: soon\n---\n"},
            'email_templates/letters/a.mjml:4: expires: "soon" is not a date. Write it as 2027-03-31.',
        ),
        (
            {"letters/a.mjml": "---\nkind: letter\nsubject: x\nexpires: 2027-01-01T10:00\n---\n"},
            "names no zone",
        ),
        (
            {"letters/a.mjml": '---\nkind: letter\nsubject: "a\\nb"\n---\n'},
            "email_templates/letters/a.mjml:3: subject: This must stand on one line.",
        ),
        ({"letters/A b.mjml": HEAD}, 'email_templates/letters/A b.mjml: "A b" cannot be a name.'),
        ({"letters/a.français.mjml": HEAD}, "cannot be a name"),
        (
            {**ALL, "letters/b.fr.mjml": HEAD},
            "email_templates/letters/b.fr.mjml: This language variant has no base file. "
            "Add email_templates/letters/b.mjml.",
        ),
        (
            {"_layouts/x.mjml": "<mjml></mjml>"},
            "email_templates/_layouts/x.mjml:1: A layout holds <!-- slot --> once",
        ),
        ({"_layouts/X.mjml": LAYOUT}, "cannot be a name"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(texts: dict[str, str], problem: str) -> None:
    _, problems = read(texts)
    assert any(problem in told for told in problems), problems


def test_day_of_expiry_counts_to_its_end() -> None:
    library, _ = read({**ALL, "letters/a.mjml": HEAD.replace("subject", "expires: 2027-03-31\nsubject")})
    assert library.templates[0].front.expires == datetime(2027, 4, 1, tzinfo=UTC)


def test_instant_of_expiry_is_kept_in_utc() -> None:
    head = HEAD.replace("subject", "expires: 2027-03-31T18:00:00+02:00\nsubject")
    library, _ = read({**ALL, "letters/a.mjml": head})
    front = library.templates[0].front
    assert front.expires == datetime(2027, 3, 31, 16, tzinfo=UTC)
    assert type(front).model_validate(front.model_dump(mode="json")) == front
    assert type(front).model_validate(front.model_dump()) == front


def test_directory_is_read_byte_for_byte(tmp_path: Path) -> None:
    directory = tmp_path / "email_templates"
    (directory / "letters").mkdir(parents=True)
    raw = "\ufeff---\r\nkind: system\r\nsubject: Olá\r\n---\r\n<mjml></mjml>\r\n".encode()
    (directory / "letters" / "a.mjml").write_bytes(raw)
    (directory / "letters" / "b.mjml").write_bytes(b"\xff\xfe")
    library, problems = read_library(directory)
    assert library.templates[0].source.encode() == raw
    assert library.templates[0].body_line == 5
    assert problems == [
        Problem("email_templates/letters/b.mjml", 1, "", "This is not UTF-8 text. Save the file as UTF-8.")
    ]
