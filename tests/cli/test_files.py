"""Files are checked, planned, applied and written back."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Nurture


@pytest.fixture
def files(tmp_path: Path, environ: dict[str, str]) -> Path:
    """The shipped files, to be changed by the test."""
    for name in ("campaigns", "email_templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    environ["NURTURE_CAMPAIGNS_DIR"] = str(tmp_path / "campaigns")
    environ["NURTURE_TEMPLATES_DIR"] = str(tmp_path / "email_templates")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_shipped_files_have_no_mistakes_and_need_no_database(nurture: Nurture, tmp_path: Path) -> None:
    checked = nurture("check", "--templates")
    assert checked.exit_code == 0
    assert "No mistakes" in checked.stdout
    assert "newsletters/2026-10.mjml" in checked.stdout
    assert not (tmp_path / "var").exists()


def test_a_mistake_is_told_with_file_line_key_and_what_to_do(nurture: Nurture, files: Path) -> None:
    edit(files / "campaigns" / "awareness" / "welcome.yaml", "priority:", "prioritee:")
    checked = nurture("check")
    assert checked.exit_code == 1
    assert re.search(r"Error: campaigns/awareness/welcome\.yaml:\d+: prioritee", checked.stderr)
    told = json.loads(nurture("check", "--json").stdout)
    assert told["ok"] is False
    [problem] = [one for one in told["problems"] if one["key"] == "prioritee"]
    assert problem["file"] == "campaigns/awareness/welcome.yaml"
    assert problem["line"] >= 1


def test_what_is_applied_already_would_change_nothing(installed: Nurture) -> None:
    assert "Nothing would change." in installed("plan").stdout
    assert json.loads(installed("plan", "--json").stdout)["changes"] == []
    assert "Nothing has changed." in installed("apply").stdout


def test_a_change_is_planned_applied_and_then_gone_from_the_plan(installed: Nurture, files: Path) -> None:
    edit(files / "campaigns" / "awareness" / "welcome.yaml", "priority: 80", "priority: 33")
    planned = json.loads(installed("plan", "--json").stdout)["changes"]
    assert [(one["kind"], one["name"]) for one in planned] == [("campaign", "welcome")]
    shown = installed("plan")
    assert "welcome" in shown.stdout
    applied = installed("apply")
    assert applied.exit_code == 0
    assert "welcome" in applied.stdout
    assert "Nothing would change." in installed("plan").stdout


def test_with_a_mistake_nothing_is_applied(installed: Nurture, files: Path) -> None:
    edit(files / "campaigns" / "awareness" / "welcome.yaml", "priority: 80", "priority: 33")
    (files / "email_templates" / "letters" / "broken.mjml").write_text("---\nkind: letter\n---\n")
    refused = installed("apply")
    assert refused.exit_code == 1
    assert "letters/broken.mjml" in refused.stderr
    (files / "email_templates" / "letters" / "broken.mjml").unlink()
    assert "welcome" in installed("plan").stdout


def test_an_export_gives_the_same_bytes(installed: Nurture, tmp_path: Path) -> None:
    campaigns, templates = tmp_path / "out" / "campaigns", tmp_path / "out" / "email_templates"
    written = installed("export", "--campaigns", str(campaigns), "--templates", str(templates))
    assert written.exit_code == 0
    for folder in (campaigns, templates):
        found = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        shipped = ROOT / folder.name
        assert found == {
            path.relative_to(shipped): path.read_bytes() for path in shipped.rglob("*") if path.is_file()
        }
    assert len(written.stdout.splitlines()) == len(
        [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    )
