"""A table is read whatever program wrote it."""

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import FileError
from nurture.services.importing import table
from nurture.services.importing.table import parse_table, read_table


def cells(raw: bytes) -> list[dict[str, str]]:
    return [row.cells for row in parse_table("leads.csv", raw).rows()]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"], ids=lambda name: str(name)
)
def test_western_names_survive_every_usual_encoding(encoding: str) -> None:
    text = "email,first_name,last_name\na@example.com,João,Conceição\nb@example.com,Zoë,Müller\n"
    assert cells(text.encode(encoding)) == [
        {"email": "a@example.com", "first_name": "João", "last_name": "Conceição"},
        {"email": "b@example.com", "first_name": "Zoë", "last_name": "Müller"},
    ]


@pytest.mark.parametrize("byte_order_mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_utf_16_is_read_in_both_byte_orders(byte_order_mark: bytes) -> None:
    encoding = "utf-16-le" if byte_order_mark == codecs.BOM_UTF16_LE else "utf-16-be"
    raw = byte_order_mark + "email\tname\na@example.com\tŁukasz\n".encode(encoding)
    assert cells(raw) == [{"email": "a@example.com", "name": "Łukasz"}]


def test_windows_quotes_and_dashes_survive() -> None:
    assert cells("email,note\na@example.com,O’Brien – €\n".encode("cp1252"))[0]["note"] == "O’Brien – €"


def test_polish_and_russian_names_survive_their_windows_encodings() -> None:
    polish = "email,name\na@example.com,Łukasz Żółć\nb@example.com,Paweł Wójcik\n"
    russian = "email,name\na@example.com,Владимир\nb@example.com,Наталья Петрова\n"
    assert cells(polish.encode("cp1250"))[1]["name"] == "Paweł Wójcik"
    assert cells(russian.encode("cp1251"))[1]["name"] == "Наталья Петрова"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_found_out(separator: str, line_end: str) -> None:
    lines = [separator.join(("email", "name")), separator.join(("a@example.com", "Ana")), ""]
    assert cells(line_end.join(lines).encode()) == [{"email": "a@example.com", "name": "Ana"}]


def test_a_separator_inside_of_a_quoted_header_does_not_count() -> None:
    assert cells(b'"name, first, last";email\nAna;a@example.com\n') == [
        {"name, first, last": "Ana", "email": "a@example.com"}
    ]


def test_the_line_in_which_excel_names_the_separator_is_obeyed() -> None:
    found = parse_table("x.csv", b"\xef\xbb\xbfsep=;\r\nemail,old;name\r\na@example.com;Ana\r\n")
    assert found.header == ("email,old", "name")
    assert [row.line for row in found.rows()] == [3]


def test_header_names_lose_case_and_spaces_and_blank_lines_are_passed_over() -> None:
    assert cells(b"\n\n E-Mail , Name\n\na@example.com , Ana \n , \n\n") == [
        {"e-mail": "a@example.com", "name": "Ana"}
    ]


def test_a_quoted_cell_may_hold_line_ends_and_quotes() -> None:
    found = list(parse_table("x.csv", b'email,note\na@x.org,"one\ntwo ""three"""\nb@x.org,four\n').rows())
    assert [(row.line, row.cells["note"]) for row in found] == [(2, 'one\ntwo "three"'), (4, "four")]


def test_a_short_row_leaves_the_rest_open_and_a_long_one_is_at_fault() -> None:
    short, long = parse_table("x.csv", b"email,name\na@x.org\nb@x.org,B,C,D\n").rows()
    assert (short.cells, short.fault) == ({"email": "a@x.org"}, "")
    assert "2 cells more" in long.fault


def test_a_lost_quote_costs_what_it_swallows_and_not_the_file() -> None:
    lines = [b"email,name", b'a@x.org,"Ana', *(b"%d@x.org,%s" % (n, b"x" * 40) for n in range(5000))]
    found = list(parse_table("x.csv", b"\n".join(lines)).rows())
    assert found[0].line == 2
    assert "quote" in found[0].fault
    assert found[-1].cells["email"] == "4999@x.org"
    assert sum(not row.fault for row in found) > 1000


def test_nul_is_dropped() -> None:
    assert cells(b"em\x00ail,name\na@x.org,A\x00na\n") == [{"email": "a@x.org", "name": "Ana"}]


def test_two_hundred_columns_and_a_cell_of_64_kb_are_read() -> None:
    header = ",".join(["email", *(f"c{n}" for n in range(199))])
    row = ",".join(["a@x.org", "y" * 65_536, *("z" for _ in range(198))])
    [found] = cells(f"{header}\n{row}\n".encode())
    assert len(found) == 200
    assert len(found["c0"]) == 65_536


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"PK\x03\x04rest of a spreadsheet", "save it as CSV"),
        (b"email,name,email\n", "stands twice"),
        (",".join(f"c{n}" for n in range(501)).encode(), "501 columns"),
        (b'"' + b"x" * 200_000 + b'"\n', "header cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(raw: bytes, said: str) -> None:
    with pytest.raises(FileError, match=said):
        parse_table("leads.csv", raw)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone\.csv: cannot be read: No such file"):
        read_table(tmp_path / "gone.csv")


def test_a_directory_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Is a directory"):
        read_table(tmp_path)


def test_an_enormous_file_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(table.MAX_BYTES + 1)
    with pytest.raises(FileError, match="split it"):
        read_table(path)


def test_the_count_for_a_progress_bar_is_near_the_truth() -> None:
    assert parse_table("x.csv", b"email\na@x.org\nb@x.org").count() == 2
    assert parse_table("x.csv", b"email\na@x.org\nb@x.org\n").count() == 2


@given(st.binary(max_size=400) | st.text(alphabet='",;\t|\r\n\0aé=', max_size=200).map(str.encode))
def test_any_bytes_are_a_table_or_refused(raw: bytes) -> None:
    try:
        found = parse_table("x.csv", raw)
    except FileError:
        return
    for row in found.rows():
        assert row.line >= 2
        assert row.cells.keys() <= set(found.header)
