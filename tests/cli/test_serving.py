"""`nurture serve`: one parent, two children, no orphans."""

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Nurture

PATIENCE = 60.0
"""Seconds that a machine under load may take to start or end processes."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


class Serving:
    """A `nurture serve` with everything that it has started."""

    def __init__(self, environ: dict[str, str], *options: str) -> None:
        self.port = free_port()
        self._var = Path(environ["NURTURE_VAR"])
        self.log = self._var / "serve.log"
        command = [sys.executable, "-m", "nurture", "serve", "--port", str(self.port), *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=os.environ | environ, stdout=log, stderr=log)

    def family(self) -> set[int]:
        """The processes below it, children of children included."""
        found: set[int] = set()
        queue = [self.process.pid]
        while queue:
            parent = queue.pop()
            listed = Path(f"/proc/{parent}/task/{parent}/children")
            children = [int(pid) for pid in listed.read_text().split()] if listed.exists() else []
            found.update(children)
            queue += children
        return found

    def answers(self) -> bool:
        """Whether somebody answers at its address."""
        assert self.process.poll() is None, self.log.read_text()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/login")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def mails(self) -> int:
        """How many mails the worker has put into the outbox."""
        with closing(sqlite3.connect(self._var / "nurture.db")) as database:
            [(count,)] = database.execute("SELECT count(*) FROM outbox_mail").fetchall()
        return int(count)


@pytest.fixture
def serve(installed: Nurture, environ: dict[str, str]) -> Iterator[Callable[..., Serving]]:
    """Start `nurture serve` in an installation; whatever is left of it in the end is killed."""
    started: list[tuple[Serving, set[int]]] = []

    def start(*options: str) -> Serving:
        serving = Serving(environ, *options)
        started.append((serving, set()))
        eventually(serving.answers, "the app answers")
        started[-1][1].update(serving.family())
        return serving

    yield start
    for serving, family in started:
        for pid in filter(lives, family | {serving.process.pid}):
            os.kill(pid, signal.SIGKILL)
        serving.process.wait()


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.faults
def test_it_serves_and_sends_until_told_to_stop(serve: Callable[..., Serving]) -> None:
    serving = serve()
    eventually(lambda: serving.mails() > 0, "the first mail is in the outbox")
    family = serving.family()
    assert len(family) == 3
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(PATIENCE) == 0
    assert not any(map(lives, family))
    log = serving.log.read_text()
    assert f"Nurture is on http://127.0.0.1:{serving.port}" in log
    assert "worker_ended" in log
    assert "Traceback" not in log
    assert "links in mails lead there" in log


@pytest.mark.faults
def test_killed_outright_it_leaves_no_orphans(serve: Callable[..., Serving]) -> None:
    serving = serve()
    eventually(lambda: serving.mails() > 0, "the worker works")
    family = serving.family()
    assert len(family) == 3
    serving.process.kill()
    serving.process.wait()
    eventually(lambda: not any(map(lives, family)), "its children have ended")


@pytest.mark.faults
def test_where_a_child_dies_everything_ends_and_says_so(serve: Callable[..., Serving]) -> None:
    serving = serve("--no-worker")
    family = serving.family()
    assert len(family) == 2
    for pid in family:
        os.kill(pid, signal.SIGKILL)
    assert serving.process.wait(PATIENCE) != 0
    assert re.search(r"web ended with code -?\d+; stopping", serving.log.read_text())
    assert serving.mails() == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "nurture.example.org"])
def test_it_does_not_listen_to_others_without_https(installed: Nurture, host: str) -> None:
    refused = installed("serve", "--host", host)
    assert refused.exit_code == 1
    assert "say --insecure" in refused.stderr


@pytest.mark.parametrize("leave", ["--insecure", "https"])
def test_with_leave_it_listens_to_others_and_a_taken_port_is_named(
    installed: Nurture, environ: dict[str, str], leave: str
) -> None:
    options = ["--insecure"] if leave == "--insecure" else []
    if leave == "https":
        environ["NURTURE_BASE_URL"] = "https://nurture.example.org"
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = installed("serve", "--host", "0.0.0.0", "--port", port, *options)
    assert refused.exit_code == 1
    assert f"Cannot listen on http://0.0.0.0:{port}: Address already in use" in refused.stderr


def test_a_database_that_is_not_ready_stops_the_start(nurture: Nurture, environ: dict[str, str]) -> None:
    environ["NURTURE_SECRET_KEY"] = "x" * 40
    refused = nurture("serve", "--port", str(free_port()))
    assert refused.exit_code == 1
    assert "Run `nurture init` first" in refused.stderr
