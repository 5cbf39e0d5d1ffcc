"""Programs that tests need and Debian packages bring; installed when first asked for."""

import fcntl
import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
APT_GET = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq"]
ANSWERS = {"postfix": "postfix postfix/main_mailer_type select No configuration\n"}


def ensure_debian(package: str, *, program: str) -> Path:
    """The newest file that matches `program`, a path that may hold `*`.

    Where there is none, `package` is installed; daemons that it would start are not started.

    Raises:
        RuntimeError: it is missing and this is no Debian, or we are not root.
    """
    found = _newest(program)
    if found is None:
        with machine_lock("apt"):
            found = _newest(program)
            if found is None:
                _install(package)
                found = _newest(program)
    if found is None:
        raise RuntimeError(f"Package {package} is installed, but there is no {program}. Install it by hand.")
    return found


@contextmanager
def machine_lock(name: str) -> Iterator[None]:
    """One process of this machine at a time; a process that dies lets go."""
    path = Path(tempfile.gettempdir()) / f"nurture-tests-{os.getuid()}-{name}.lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _newest(pattern: str) -> Path | None:
    found = sorted(glob.glob(pattern), key=lambda path: (len(path), path))
    return Path(found[-1]) if found else None


def _install(package: str) -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise RuntimeError(
            f"These tests need the Debian package {package}, and only root on Debian can have it installed "
            f"by itself. Install it (apt install {package}) and run them again."
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _no_daemons():
        if package in ANSWERS:
            _run(["debconf-set-selections"], environment, ANSWERS[package])
        _run([*APT_GET, "update"], environment)
        # --no-remove: a machine's own mail server must not make room for ours.
        _run([*APT_GET, "install", "-y", "--no-install-recommends", "--no-remove", package], environment)


def _run(command: list[str], environment: dict[str, str], answers: str = "") -> None:
    result = subprocess.run(
        command, env=environment, input=answers, capture_output=True, text=True, timeout=900
    )
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")


@contextmanager
def _no_daemons() -> Iterator[None]:
    """Debian asks policy-rc.d before it starts a service; while this lasts the answer is no (101)."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
