"""`nurture serve`, and the two processes that it starts: `nurture web` and `nurture work`."""

import ipaddress
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.util import Finalize
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from nurture.app import HITS, create_app, current_settings
from nurture.cli.console import as_json, note, result, table, warn
from nurture.cli.opening import begin_log, check_current, opened, runtime_of
from nurture.cli.supervise import end_with_parent, supervise, this_command
from nurture.config import Settings
from nurture.domain.errors import ConfigurationError, ConflictError
from nurture.logs import logger
from nurture.worker.schedule import Worker, work_once

if TYPE_CHECKING:
    from flask import Flask

THREADS = 16
WAITING = 256
"""How many requests the web server takes before it lets others wait."""

LAST_GRACE_SECONDS = 10
"""How long a web server whose parent is gone may take to answer what it has begun."""

OUR_LOG = {"loggers": {name: {"handlers": [], "propagate": True} for name in ("_granian", "granian.access")}}
"""The web server's own log goes where ours goes."""

log = logger(__name__)


def _address(command: Callable[..., None]) -> Callable[..., None]:
    """The options of whatever listens."""
    host = click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
    port = click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
    return host(port(command))


@click.command()
@_address
@click.option("--no-worker", is_flag=True, help="Run the app alone; `nurture work` runs elsewhere.")
@click.option("--insecure", is_flag=True, help="Listen beyond this machine without https.")
def serve(host: str, port: int, no_worker: bool, insecure: bool) -> None:
    """Run the app and the worker until told to stop."""
    settings = current_settings()
    begin_log(settings)
    _check_host(settings, host, insecure)
    _check_port(host, port)
    with runtime_of(settings) as runtime:
        check_current(runtime.engine)
    for warning in (*settings.warnings, *_misled(settings, port)):
        warn(warning)
    commands = {"web": this_command("web", "--host", host, "--port", str(port))}
    if not no_worker:
        commands["work"] = this_command("work")
    result(f"Nurture is on {_shown(host, port)} (Ctrl-C ends it).")
    sys.stdout.flush()
    sys.exit(supervise(commands, note))


@click.command(hidden=True)
@_address
def web(host: str, port: int) -> None:
    """Run the app alone: one process, whose threads share one database."""
    begin_log(current_settings())
    server = Granian(
        f"{__name__}:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=THREADS,
        backpressure=WAITING,
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=OUR_LOG,
        workers_kill_timeout=LAST_GRACE_SECONDS,
    )
    end_with_parent(_terminate)
    server.serve()


def application() -> "Flask":
    """The app as the web server's own process makes it: it ends with the process that started it."""
    begin_log(current_settings())
    end_with_parent(_terminate)
    app = create_app()
    # The web server's process runs no `atexit`; hits that still wait for their commit must not be lost.
    Finalize(None, app.extensions[HITS].close, exitpriority=1)
    return app


@click.command()
@click.option("--once", is_flag=True, help="Run every job once and end.")
@click.option("--json", "wants_json", is_flag=True, help="With --once: what was done, for scripts.")
def work(once: bool, wants_json: bool) -> None:
    """Run the worker alone, or every job once.

    Without --once it runs until told to stop (SIGTERM, Ctrl-C) and lets running jobs end first.
    """
    if once:
        _work_once(wants_json)
        return
    settings = current_settings()
    begin_log(settings)
    with runtime_of(settings) as runtime:
        check_current(runtime.engine)
        told = _until_told()
        end_with_parent(told.set)
        worker = Worker(runtime)
        worker.start()
        log.info("worker_started")
        told.wait()
        worker.close()
        log.info("worker_ended")


def _work_once(wants_json: bool) -> None:
    with opened() as runtime:
        done = work_once(runtime)
    if wants_json:
        as_json(done)
    else:
        table("", ("job", "did"), done.items())


def _until_told() -> threading.Event:
    told = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return told


def _terminate() -> None:
    """End this process in order, and by force where that takes too long."""
    # To the main thread: delivered to another, the signal would not wake it.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    time.sleep(LAST_GRACE_SECONDS)
    os._exit(1)


def _check_host(settings: Settings, host: str, insecure: bool) -> None:
    if _is_loopback(host) or settings.is_https or insecure:
        return
    raise ConfigurationError(
        f"--host {host} lets others reach the log-in, and NURTURE_BASE_URL is {settings.base_url}: passwords "
        "would travel in the clear. Put a proxy with https in front and set NURTURE_BASE_URL to its address, "
        "or say --insecure."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _misled(settings: Settings, port: int) -> Iterator[str]:
    base = urlsplit(settings.base_url)
    if _is_loopback(base.hostname or "") and base.port not in (None, port):
        yield (
            f"NURTURE_BASE_URL is {settings.base_url}: links in mails lead there and not to port {port}. "
            f"Set it to http://127.0.0.1:{port}."
        )


def _check_port(host: str, port: int) -> None:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as fault:
        raise ConflictError(
            f"Cannot listen on {_shown(host, port)}: {fault.strerror}. Is something running there? "
            "Choose another with --port."
        ) from fault


def _shown(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
