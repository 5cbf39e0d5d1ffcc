"""`nurture serve`: one small parent, two children (`web` and `work`), and no orphans.

The web server must not own the scheduler: its workers come and go, and each would tick.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

GRACE_SECONDS = 30
SUPERVISOR = "_NURTURE_SUPERVISOR_PID"


def supervise(
    commands: Mapping[str, Sequence[str]], say: Callable[[str], None], grace_seconds: float = GRACE_SECONDS
) -> int:
    """Run every command until one of them ends or we are told to stop; then end all of them.

    Who has not ended after `grace_seconds` is killed. Returns the exit code of the child that ended by
    itself, 0 when we were told to stop.
    """
    environ = {**os.environ, SUPERVISOR: str(os.getpid())}
    children = {name: subprocess.Popen(list(command), env=environ) for name, command in commands.items()}  # noqa: S603 - our own commands.
    told = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    ended = _wait(children, told)
    if ended is not None:
        say(f"{ended} ended with code {children[ended].returncode}; stopping.")
    _end(children, grace_seconds)
    return 0 if ended is None else children[ended].returncode or 1


def _wait(children: Mapping[str, "subprocess.Popen[bytes]"], told: threading.Event) -> str | None:
    while not told.wait(0.2):
        for name, child in children.items():
            if child.poll() is not None:
                return name
    return None


def _end(children: Mapping[str, "subprocess.Popen[bytes]"], grace_seconds: float) -> None:
    for child in children.values():
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    for child in children.values():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def end_with_parent(stop: Callable[[], None]) -> None:
    """Call `stop` once the process that started this one is gone (also after `kill -9`)."""
    parent = os.getppid()
    expected = os.environ.get(SUPERVISOR)
    if expected is not None and int(expected) != parent and _is_gone(int(expected)):
        stop()
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        stop()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def this_command(*arguments: str) -> list[str]:
    """The command line that runs another `nurture` subcommand with this very interpreter."""
    return [sys.executable, "-m", "nurture", *arguments]
