"""YAML: scalars stay text, every fault has its line, and nothing but a FileError ever comes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.content import yaml_files
from nurture.content.yaml_files import Sheet, decode, read_yaml, spell
from nurture.domain.errors import FileError


def read(text: str) -> Sheet:
    return read_yaml(text, "a.yaml")


def test_scalars_stay_text() -> None:
    data = read('a: no\nb: 12:30:00\nc: 1e3\nd: "x"\ne: 2026-03-01\nf: [on, 007]\ng: 0x10').data
    assert data == {
        "a": "no",
        "b": "12:30:00",
        "c": "1e3",
        "d": "x",
        "e": "2026-03-01",
        "f": ["on", "007"],
        "g": "0x10",
    }


def test_nothing_is_nothing_and_quotes_are_a_text() -> None:
    assert read("a:\nb: ~\nc: null\nd: ''\ne: 'null'").data == {
        "a": None,
        "b": None,
        "c": None,
        "d": "",
        "e": "null",
    }


def test_every_value_knows_its_line() -> None:
    sheet = read("a: 1\nb:\n  - c: 2\n    d: {e: 3}\n")
    assert [sheet.line(path) for path in (("a",), ("b", 0, "c"), ("b", 0, "d", "e"))] == [1, 3, 4]
    assert sheet.line(("b", 0, "nothing", "here")) == 3
    assert sheet.line(("nothing",)) == 1


def test_lines_count_from_where_the_text_stands_in_its_file() -> None:
    assert read_yaml("a: 1\nb: 2", "a.mjml", first_line=2).line(("b",)) == 3


def test_key_paths_are_spelled_as_people_write_them() -> None:
    assert spell(("steps", 2, "send", "template")) == "steps[2].send.template"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\na: 2", 2, "twice"),
        ("a: &x 1\nb: *x", 1, "Aliases"),
        ("a: 1\nb: *x", 2, "Aliases"),
        ("&x a: 1", 1, "plain word"),
        ("a: !!python/object/apply:os.system [x]", 1, "tag"),
        ("a: !x y", 1, "tag"),
        ("--- 1\n--- 2", 2, "second document"),
        ("[a]: 1", 1, "plain word"),
        ("a: }", 1, "not YAML"),
        ("a: b: c", 1, "not YAML"),
        ("a:\n\t- b", 2, "not YAML"),
        ('a: "\\0"', 1, "U+0000"),
        ('a: "\\x07"', 1, "U+0007"),
        ("- " * 60 + "a", 1, "nested deeper"),
        ("[" * 60, 1, "nested deeper"),
        ("[" + "a," * 30_000 + "]", 1, "20,000 values"),
        ('a: "\\UFFFFFFFF"', 1, "not YAML"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(FileError) as refused:
        read(text)
    assert str(refused.value).startswith(f"a.yaml:{line}:")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"a: 1\nb: \xff", "a.yaml:2: This is not UTF-8"),
        (b"a: 1\n\n\x00", "a.yaml:3: The character U+0000"),
        ("a: \x85\x9f".encode(), "U+009F"),
        (b"x" * (yaml_files.MAX_BYTES + 1), "larger than 256 kB"),
    ],
)
def test_what_is_no_text_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(FileError) as refused:
        decode(raw, "a.yaml")
    assert words in str(refused.value)


YAML_LIKE = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            ": ",
            ":",
            "\n",
            "  ",
            "- ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            "&x ",
            "*x",
            "!!str ",
            "|",
            ">",
            "'",
            '"',
            "#",
            "?",
            "%YAML 1.1\n",
            "---",
            "...",
            "\\",
            "\t",
            "é",
            "\x00",
            "\u2028",
            "<<: ",
            "0x1",
            "~",
            "\\ud800",
        ]
    ),
    max_size=40,
).map("".join)


@given(raw=st.binary(max_size=200) | YAML_LIKE.map(str.encode))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        sheet = read(decode(raw, "a.yaml"))
    except FileError:
        return
    assert _is_plain(sheet.data)


def _is_plain(data: object) -> bool:
    if isinstance(data, dict):
        return all(isinstance(key, str) and _is_plain(value) for key, value in data.items())
    if isinstance(data, list):
        return all(map(_is_plain, data))
    return data is None or isinstance(data, str)
