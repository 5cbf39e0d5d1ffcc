"""`nurture init` makes everything ready, and a second time changes nothing."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nurture.store.upgrade import newest_revision
from tests.cli.conftest import ROOT, Nurture

LEADS = (ROOT / "nurture" / "examples" / "leads.csv").read_text().count("\n") - 1


def table(var: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(var / "nurture.db")) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"


def test_the_first_time_everything_is_made_and_said(nurture: Nurture, var: Path) -> None:
    made = nurture("init", "--admin", "Boss@Example.org")
    assert made.exit_code == 0
    assert re.search(r"address +boss@example\.org", made.stdout, re.IGNORECASE)
    assert re.search(r"password +[a-z0-9]{4}(-[a-z0-9]{4}){4}\n", made.stdout)
    assert "http://127.0.0.1:8000" in made.stdout
    assert (var / "instance.env").stat().st_mode & 0o777 == 0o600
    assert table(var, "SELECT address, role FROM user") == [("boss@example.org", "admin")]
    assert table(var, "SELECT count(*) FROM lead") == [(LEADS,)]
    assert table(var, "SELECT count(*) FROM campaign WHERE status = 'active'") != [(0,)]
    assert table(var, "SELECT version_num FROM alembic_version") == [(newest_revision(),)]


def test_the_second_time_nothing_changes(installed: Nurture, var: Path) -> None:
    keys = (var / "instance.env").read_bytes()
    table(var, "UPDATE campaign SET priority = 1 WHERE slug = 'welcome' RETURNING id")
    before = {
        name: table(var, f"SELECT count(*) FROM {name}") for name in ("user", "lead", "event", "consent")
    }
    again = installed("init")
    assert again.exit_code == 0
    assert "password" not in again.output
    assert (var / "instance.env").read_bytes() == keys
    assert {name: table(var, f"SELECT count(*) FROM {name}") for name in before} == before


def test_an_interrupted_init_is_finished_by_the_next(
    nurture: Nurture, var: Path, environ: dict[str, str]
) -> None:
    environ["NURTURE_CAMPAIGNS_DIR"] = str(var.parent / "none-yet")
    first = nurture("init", "--no-examples")
    assert "no directory" in first.stderr
    environ["NURTURE_CAMPAIGNS_DIR"] = str(ROOT / "campaigns")
    second = nurture("init")
    assert "Applied" in second.stdout
    assert table(var, "SELECT count(*) FROM lead") == [(LEADS,)]
    assert table(var, "SELECT count(*) FROM user") == [(1,)]


def test_no_example_is_mailed_where_mail_really_leaves(
    nurture: Nurture, var: Path, environ: dict[str, str]
) -> None:
    environ |= {"NURTURE_MAIL": "smtp", "NURTURE_SMTP_URL": "smtp://127.0.0.1:2525"}
    assert nurture("init").exit_code == 0
    assert table(var, "SELECT count(*) FROM lead") == [(0,)]


def test_keys_that_come_from_the_environment_are_not_made_anew(
    nurture: Nurture, var: Path, environ: dict[str, str]
) -> None:
    environ["NURTURE_SECRET_KEY"] = "x" * 40
    made = nurture("init", "--no-examples")
    assert made.exit_code == 0
    assert not (var / "instance.env").exists()
    assert "NURTURE_LINK_KEYS" in made.stderr


def test_a_mistake_in_a_file_is_named_and_can_be_put_right(
    nurture: Nurture, tmp_path: Path, environ: dict[str, str]
) -> None:
    wrong = tmp_path / "campaigns"
    (wrong / "awareness").mkdir(parents=True)
    (wrong / "awareness" / "bad.yaml").write_text("schema: 1\nslug: bad\ncolour: red\n")
    environ["NURTURE_CAMPAIGNS_DIR"] = str(wrong)
    failed = nurture("init")
    assert failed.exit_code == 1
    assert re.search(r"bad\.yaml:\d+", failed.stderr)
    environ["NURTURE_CAMPAIGNS_DIR"] = str(ROOT / "campaigns")
    assert nurture("init").exit_code == 0


def test_before_init_commands_say_what_to_do(nurture: Nurture, environ: dict[str, str]) -> None:
    for secret in ("", "x" * 40):
        environ["NURTURE_SECRET_KEY"] = secret
        failed = nurture("plan")
        assert failed.exit_code == 1
        assert "Run `nurture init`" in failed.stderr


def test_a_database_that_cannot_be_opened_is_named(
    nurture: Nurture, tmp_path: Path, environ: dict[str, str]
) -> None:
    environ["NURTURE_SECRET_KEY"] = "x" * 40
    (tmp_path / "x.db").write_bytes(b"no database at all, not even nearly" * 50)
    environ["NURTURE_DATABASE_URL"] = f"sqlite:///{tmp_path / 'x.db'}"
    failed = nurture("plan")
    assert failed.exit_code == 1
    assert "cannot be opened" in failed.stderr
    environ["NURTURE_DATABASE_URL"] = "postgresql://nurture:hush@127.0.0.1:1/nurture"
    failed = nurture("plan")
    assert "127.0.0.1" in failed.stderr
    assert "hush" not in failed.stderr


def test_a_database_at_another_revision_is_not_worked_with(installed: Nurture, var: Path) -> None:
    assert "already" in installed("db", "upgrade").stdout
    with closing(sqlite3.connect(var / "nurture.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()
    failed = installed("plan")
    assert failed.exit_code == 1
    assert "Run `nurture db upgrade`" in failed.stderr
