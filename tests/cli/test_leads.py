"""Leads come in from files, are explained, and are forgotten."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Nurture


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_text("email,first_name,colour\nana@x.org,Ana,red\nben@x.org,Ben,blue\nnobody,=1+1,green\n")
    return path


def told(nurture: Nurture, *arguments: str) -> dict[str, object]:
    done = nurture(*arguments, "--json")
    assert done.exit_code == 0, done.output
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_an_import_says_what_it_did_and_what_it_left_out(installed: Nurture, sheet: Path) -> None:
    done = installed("leads", "import", str(sheet))
    assert done.exit_code == 0
    assert done.stdout == "3 rows: 2 leads created, 0 updated.\n"
    assert "Ignored columns, which mean nothing here: colour." in done.stderr
    assert "2 rows carry no consent" in done.stderr
    assert f"1 rows were refused; see {sheet}.refused.csv" in done.stderr
    with Path(f"{sheet}.refused.csv").open(newline="") as file:
        [refused] = csv.DictReader(file)
    assert (refused["line"], refused["email"], refused["first_name"]) == ("4", "nobody", "'=1+1")
    assert told(installed, "explain", "ana@x.org")["lead"]["mailable"] is False  # type: ignore[index]


def test_with_consent_for_the_file_they_may_be_mailed(installed: Nurture, sheet: Path) -> None:
    done = installed("leads", "import", str(sheet), "--consent", "fair in Porto")
    assert "no consent" not in done.stderr
    assert told(installed, "explain", "ana@x.org")["lead"]["mailable"] is True  # type: ignore[index]


def test_an_empty_word_is_no_consent(installed: Nurture, sheet: Path) -> None:
    refused = installed("leads", "import", str(sheet), "--consent", " ")
    assert refused.exit_code == 2


def test_a_dry_run_only_tells(installed: Nurture, sheet: Path) -> None:
    done = installed("leads", "import", str(sheet), "--dry-run")
    assert "2 leads would be created" in done.stdout
    assert installed("explain", "ana@x.org").exit_code == 1


def test_an_import_for_scripts(installed: Nurture, sheet: Path) -> None:
    answer = told(installed, "leads", "import", str(sheet))
    assert {name: answer[name] for name in ("rows", "created", "updated", "without_consent", "dry_run")} == {
        "rows": 3,
        "created": 2,
        "updated": 0,
        "without_consent": 2,
        "dry_run": False,
    }
    assert answer["ignored_columns"] == ["colour"]
    assert [row["line"] for row in answer["refused"]] == [4]  # type: ignore[attr-defined]


def test_refused_rows_are_told_where_they_cannot_be_written(installed: Nurture, sheet: Path) -> None:
    Path(f"{sheet}.refused.csv").mkdir()
    done = installed("leads", "import", str(sheet))
    assert done.exit_code == 0
    assert "line 4:" in done.stderr


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a spreadsheet", b"name,phone\nAna,1\n"])
def test_a_file_that_cannot_be_used_is_named_and_changes_nothing(
    installed: Nurture, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    failed = installed("leads", "import", str(path))
    assert failed.exit_code == 1
    assert failed.stderr.startswith("Error: ")
    assert failed.stdout == ""


def test_suppressions_stop_mails_to_leads_and_to_strangers(
    installed: Nurture, sheet: Path, tmp_path: Path
) -> None:
    installed("leads", "import", str(sheet), "--consent", "fair")
    blocked = tmp_path / "blocked.csv"
    blocked.write_text("email,reason\nana@x.org,spam\nstranger@x.org,\nnobody,\n")
    done = installed("suppression", "import", str(blocked))
    assert done.stdout == "3 rows: 2 addresses are suppressed now.\n"
    assert "1 rows were refused" in done.stderr
    lead = told(installed, "explain", "ana@x.org")["lead"]
    assert lead["not_mailable_because"] == "complaint"  # type: ignore[index]
    (tmp_path / "again.csv").write_text("email,consent\nstranger@x.org,bought\n")
    installed("leads", "import", str(tmp_path / "again.csv"))
    assert told(installed, "explain", "stranger@x.org")["lead"]["mailable"] is False  # type: ignore[index]


def test_a_lead_is_explained_after_its_first_mail(installed: Nurture) -> None:
    installed("work", "--once")
    address = "hannah.okafor@example.com"
    answer = told(installed, "explain", address)
    assert set(answer) == {"lead", "score_entries", "messages", "decisions"}
    assert {"lifecycle", "stage", "engagement", "fit", "rating"} <= set(answer["lead"])  # type: ignore[call-overload]
    shown = installed("explain", address).stdout
    for word in ("Hannah Okafor", "Tarn Valley Foods", "rating", "welcome", "Decisions"):
        assert word in shown


def test_a_person_is_forgotten_once_somebody_says_yes(installed: Nurture) -> None:
    address = "hannah.okafor@example.com"
    refused = installed("erase", address, input="n\n")
    assert refused.exit_code == 1
    assert installed("explain", address).exit_code == 0
    assert installed("erase", address, input="y\n").exit_code == 0
    assert installed("explain", address).exit_code == 1
    gone = installed("erase", address, "--yes")
    assert gone.exit_code == 1
    assert "no lead" in gone.stderr


def test_nobody_is_forgotten_where_nobody_can_answer(installed: Nurture) -> None:
    assert installed("erase", "hannah.okafor@example.com", input="").exit_code == 1
    assert installed("explain", "hannah.okafor@example.com").exit_code == 0
