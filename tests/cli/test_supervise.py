"""A parent with children that end together."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nurture.cli.supervise import SUPERVISOR, supervise, this_command

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The supervisor takes over the signals of its process, which here is that of the tests."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(("ends_with", "code"), [(3, 3), (0, 1)])
def test_when_one_ends_all_end_and_its_code_is_told(ends_with: int, code: int) -> None:
    said: list[str] = []
    commands = {"web": python(f"raise SystemExit({ends_with})"), "work": SLEEPS}
    assert supervise(commands, said.append) == code
    assert said == [f"web ended with code {ends_with}; stopping."]


def test_told_to_stop_it_tells_its_children_and_is_content() -> None:
    asks = python("import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)")
    said: list[str] = []
    assert supervise({"web": asks, "work": SLEEPS}, said.append) == 0
    assert said == []


def test_children_are_given_time_to_end_in_order(tmp_path: Path) -> None:
    tidy = python(
        "import signal, sys, time\n"
        f"end = lambda *_: (open({str(tmp_path / 'tidy')!r}, 'w').close(), sys.exit())\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"open({str(tmp_path / 'ready')!r}, 'w').close()\n"
        "time.sleep(60)"
    )
    waits = python(
        "import pathlib, time\n"
        f"while not pathlib.Path({str(tmp_path / 'ready')!r}).exists(): time.sleep(0.01)"
    )
    supervise({"work": tidy, "web": waits}, lambda _: None)
    assert (tmp_path / "tidy").exists()


def test_who_does_not_end_is_killed(tmp_path: Path) -> None:
    deaf = python(
        "import os, pathlib, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    waits = python(
        "import pathlib, time\n"
        f"while not pathlib.Path({str(tmp_path / 'pid')!r}).exists(): time.sleep(0.01)\n"
        "time.sleep(0.05)"
    )
    supervise({"work": deaf, "web": waits}, lambda _: None, grace_seconds=0.3)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()


def test_children_are_told_whose_they_are(tmp_path: Path) -> None:
    writes = python(f"import os; open({str(tmp_path / 'whose')!r}, 'w').write(os.environ[{SUPERVISOR!r}])")
    supervise({"web": writes}, lambda _: None)
    assert (tmp_path / "whose").read_text() == str(os.getpid())


@pytest.mark.faults
def test_a_child_whose_parent_was_gone_before_it_looked_ends_at_once() -> None:
    code = "from nurture.cli.supervise import end_with_parent; end_with_parent(lambda: print('ended'))"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, SUPERVISOR: str(gone.pid)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "ended\n"


def test_this_command_is_this_interpreters() -> None:
    done = subprocess.run(this_command("--version"), capture_output=True, text=True, check=True)
    assert "version" in done.stdout
