"""Postfix's test programs: a server that takes everything, and a client that sends as fast as it can."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.system import ensure_debian


@contextmanager
def smtp_sink() -> Iterator[int]:
    """A server that drops what it takes; gives its port."""
    program = ensure_debian("postfix", program="/usr/sbin/smtp-sink")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    sink = subprocess.Popen([program, "-u", "nobody", f"127.0.0.1:{port}", "256"])
    try:
        _wait_for(port)
        yield port
    finally:
        sink.terminate()
        sink.wait()


def smtp_source(port: int, messages: int, size: int) -> float:
    """Messages a second that smtp-source hands over on 20 connections that stay open."""
    program = ensure_debian("postfix", program="/usr/sbin/smtp-source")
    command = [str(program), "-s", "20", "-d", "-l", str(size), "-m", str(messages), f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    subprocess.run(command, check=True, timeout=120)
    return messages / (time.perf_counter() - begun)


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("smtp-sink did not start.")
