"""What holds for every command: help, exit codes, where output goes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

import click
import pytest

from nurture.cli import console, main
from nurture.cli.program import COMMANDS
from tests.cli.conftest import Nurture

CONTEXT = click.Context(main)


def all_commands() -> Iterator[list[str]]:
    for name in COMMANDS:
        command = main.get_command(CONTEXT, name)
        yield [name]
        if isinstance(command, click.Group):
            yield from ([name, inner] for inner in command.commands)


def test_help_lists_every_command_but_the_hidden(nurture: Nurture) -> None:
    shown = nurture("--help")
    assert shown.exit_code == 0
    listed = {line.split()[0] for line in shown.stdout.splitlines() if line.startswith("  ") and line.strip()}
    assert {name for name, command in COMMANDS.items() if command.section} <= listed
    assert "web" not in listed


@pytest.mark.parametrize("command", list(all_commands()), ids=" ".join)
def test_every_command_explains_itself(nurture: Nurture, command: list[str]) -> None:
    shown = nurture(*command, "--help")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("Usage:")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_list_and_the_command_say_the_same(name: str) -> None:
    command = main.get_command(CONTEXT, name)
    assert command is not None
    assert (command.help or "").startswith(COMMANDS[name].summary.rstrip("."))
    assert command.hidden is (COMMANDS[name].section == "")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import json, sys\n"
        "from click.testing import CliRunner\n"
        "from nurture.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"sqlalchemy", "flask", "granian", "apscheduler", "jinja2", "pydantic", "cryptography"}
    assert heavy & set(json.loads(done.stdout)) == set()


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["stop", "--nonsense"], ["erase"], ["user", "add", "a@b.org", "--role", "king"]],
)
def test_wrong_usage_is_code_2(installed: Nurture, arguments: list[str]) -> None:
    refused = installed(*arguments)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert "Usage" in refused.stderr


def test_an_error_of_ours_is_one_line_on_standard_error_and_code_1(installed: Nurture) -> None:
    failed = installed("explain", "nobody@example.org")
    assert failed.exit_code == 1
    assert failed.stdout == ""
    assert failed.stderr == "Error: There is no lead with the address nobody@example.org.\n"


def test_a_wrong_setting_is_named(nurture: Nurture, environ: dict[str, str]) -> None:
    environ["NURTURE_RATE"] = "fast"
    failed = nurture("doctor")
    assert failed.exit_code == 1
    assert "NURTURE_RATE" in failed.stderr


def test_output_has_no_colours_where_there_is_no_terminal(installed: Nurture) -> None:
    for arguments in (
        ["user", "list"],
        ["explain", "hannah.okafor@example.com"],
        ["explain", "nobody@x.org"],
    ):
        shown = installed(*arguments)
        assert "\x1b" not in shown.stdout + shown.stderr


def test_the_version_is_told(nurture: Nurture) -> None:
    assert version("nurture") in nurture("--version").stdout


def test_text_from_outside_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.result("[bold]\x1b[31mred\u202e\x07 \\ ok :smile:")
    assert capsys.readouterr().out == "[bold]\\x1b[31mred\\x202e\\x07 \\ ok :smile:\n"


def test_long_lines_are_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    console.result("word " * 200)
    assert capsys.readouterr().out.count("\n") == 1
