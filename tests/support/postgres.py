"""A PostgreSQL server for one test run, as a user of its own, and databases copied from templates."""

import fcntl
import json
import os
import pwd
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support import run
from tests.support.system import ensure_debian

SYSTEM_USER = "postgres"
# What the operating system keeps survives a killed server, and no test pulls the plug: no fsync.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where its programs and data are, and where it listens."""

    programs: str
    data: str
    port: int

    def url(self, database: str) -> str:
        """What SQLAlchemy calls one of its databases."""
        return f"postgresql+psycopg://nurture@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: sql.Composed) -> None:
        """Runs statements outside of a transaction, as CREATE DATABASE wants it."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="nurture", dbname="postgres", autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement)

    def restart(self, mode: str = "immediate") -> None:
        """Stops the server (by default as if it had crashed) and starts it again on the same port."""
        _pg_ctl(self, "stop", "-m", mode)
        _pg_ctl(self, "start")

    def stop(self) -> None:
        """Stops it at once, if it runs."""
        _pg_ctl(self, "stop", "-m", "immediate", check=False)


def shared() -> Server:
    """The server of this test run, started by whoever asks first; `stop_shared` ends it."""
    record = run.directory() / "postgres.json"
    with _lock("postgres"):
        if record.exists():
            return Server(**json.loads(record.read_text()))
        server = start(run.directory() / "postgres")
        record.write_text(json.dumps(asdict(server)))
        return server


def stop_shared(directory: Path) -> None:
    """Stops the server of the run in `directory`, if it had one."""
    record = directory / "postgres.json"
    if record.exists():
        Server(**json.loads(record.read_text())).stop()


def start(directory: Path) -> Server:
    """Makes a cluster in `directory` and starts it: for tests that crash a server of their own."""
    programs = ensure_debian("postgresql", program="/usr/lib/postgresql/*/bin/postgres").parent
    directory.mkdir(parents=True)
    if os.geteuid() == 0:
        owner = pwd.getpwnam(SYSTEM_USER)
        os.chown(directory, owner.pw_uid, owner.pw_gid)
    server = Server(str(programs), str(directory / "data"), _free_port())
    _as_owner(
        [
            f"{programs}/initdb",
            "-D",
            server.data,
            "-U",
            "nurture",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ],
    )
    settings = {**OPTIONS, "port": str(server.port), "unix_socket_directories": str(directory)}
    with (Path(server.data) / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    _pg_ctl(server, "start")
    return server


@contextmanager
def fresh_database(server: Server, name: str, template: str = "template0") -> Iterator[str]:
    """The URL of a new database copied from `template`; it is dropped afterwards."""
    database = sql.Identifier(name)
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(database, sql.Identifier(template)))
    try:
        yield server.url(name)
    finally:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


def template(server: Server, name: str, fill: Callable[[str], None]) -> str:
    """A database to copy from, filled by `fill(url)` once in a run; `fill` closes its connections."""
    marker = run.directory() / f"template-{name}"
    with _lock(f"template-{name}"):
        if not marker.exists():
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            fill(server.url(name))
            marker.touch()
    return name


@contextmanager
def _lock(name: str) -> Iterator[None]:
    with (run.directory() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pg_ctl(server: Server, *arguments: str, check: bool = True) -> None:
    log = str(Path(server.data).parent / "log")
    _as_owner(
        [f"{server.programs}/pg_ctl", "-D", server.data, "-l", log, "-w", "-t", "60", "-s", *arguments],
        check=check,
    )


def _as_owner(command: list[str], check: bool = True) -> None:
    """PostgreSQL refuses to run as root, so root becomes the package's user."""
    user = SYSTEM_USER if os.geteuid() == 0 else None
    # No pipe: the server would inherit it, and reading it to the end would wait for the server's.
    result = subprocess.run(
        command,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if check and result.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)} ended with {result.returncode}; its log lies beside the data."
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
