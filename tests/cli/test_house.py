"""The house is looked after: switches, people, copies, and what is wrong."""

import json
from pathlib import Path

from nurture.worker.schedule import JOBS
from tests.cli.conftest import Nurture


def mails(nurture: Nurture) -> int:
    done = nurture("work", "--once", "--json")
    assert done.exit_code == 0
    sent: int = json.loads(done.stdout)["deliver"]
    return sent


def problems(nurture: Nurture) -> list[str]:
    done = nurture("doctor", "--json")
    answer = json.loads(done.stdout)
    assert done.exit_code == (1 if answer["problems"] else 0)
    found: list[str] = answer["problems"]
    return found


def test_the_first_mails_go_out_with_one_turn_of_the_worker(installed: Nurture) -> None:
    assert mails(installed) > 10
    assert mails(installed) == 0


def test_a_turn_of_the_worker_is_shown(installed: Nurture) -> None:
    shown = installed("work", "--once").stdout
    assert [line.split()[0] for line in shown.splitlines() if line.strip()][2:] == [job.name for job in JOBS]


def test_stopped_means_that_nothing_is_sent_until_it_goes_on(installed: Nurture) -> None:
    assert installed("stop", "--reason", "wrong text").exit_code == 0
    assert mails(installed) == 0
    assert any("wrong text" in problem for problem in problems(installed))
    assert installed("go").stdout == "Sending goes on.\n"
    assert mails(installed) > 10


def test_people_are_let_in_with_a_password_of_their_own_or_one_that_is_made(installed: Nurture) -> None:
    made = installed("user", "add", "Ana@Example.org", "--role", "editor", "--name", "Ana")
    assert made.exit_code == 0
    assert "shown this once: " in made.stdout
    own = installed(
        "user", "add", "ben@example.org", "--role", "viewer", "--password-stdin", input="violet-harbour-77\n"
    )
    assert own.exit_code == 0
    assert "password" not in own.output
    people = json.loads(installed("user", "list", "--json").stdout)
    assert {person["address"]: person["role"] for person in people} == {
        "admin@example.com": "admin",
        "ana@example.org": "editor",
        "ben@example.org": "viewer",
    }
    assert not any("hash" in name for name in people[0])
    assert "ana@example.org" in installed("user", "list").stdout


def test_a_weak_empty_or_second_account_is_refused(installed: Nurture) -> None:
    weak = ("user", "add", "ben@example.org", "--role", "viewer", "--password-stdin")
    assert installed(*weak, input="password\n").exit_code == 1
    assert "holds no password" in installed(*weak, input="").stderr
    assert "already" in installed("user", "add", "admin@example.com", "--role", "admin").stderr
    assert len(json.loads(installed("user", "list", "--json").stdout)) == 1


def test_after_a_restore_sending_is_on_hold_until_it_is_released(installed: Nurture, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    saved = installed("backup", str(copy))
    assert saved.stdout == f"{copy}\n"
    assert mails(installed) > 10
    restored = installed("restore", str(copy))
    assert restored.exit_code == 0
    assert "on hold" in restored.stderr
    assert mails(installed) == 0
    held = installed("go")
    assert held.exit_code == 1
    assert "--release" in held.stderr
    assert mails(installed) == 0
    assert installed("go", "--release").exit_code == 0
    assert mails(installed) > 10


def test_a_backup_without_a_name_goes_below_var(installed: Nurture, tmp_path: Path) -> None:
    saved = installed("backup")
    assert Path(saved.stdout.strip()).is_relative_to(tmp_path / "var" / "backups")


def test_a_file_that_is_no_backup_is_refused(installed: Nurture, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    failed = installed("restore", str(tmp_path / "x"))
    assert failed.exit_code == 1
    assert "is not a backup" in failed.stderr


def test_a_sound_house_has_nothing_wrong(installed: Nurture) -> None:
    mails(installed)
    done = installed("doctor")
    assert done.stdout == "Nothing is wrong.\n", done.stderr
    assert done.exit_code == 0
    assert json.loads(installed("doctor", "--json").stdout)["in_doubt"] == 0


def test_a_house_that_cannot_be_opened_is_a_finding(nurture: Nurture) -> None:
    done = nurture("doctor", "--json")
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    assert answer["in_doubt"] is None
    assert "nurture init" in answer["problems"][0]
    assert "nurture init" in nurture("doctor").stderr
