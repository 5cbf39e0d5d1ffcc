"""One test run: a directory that all its workers share, removed by the process that began it."""

import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PYTEST_NURTURE_RUN"
PREFIX = f"nurture-run-{os.getuid()}-"


def begin() -> Path:
    """Makes the directory and tells the workers, who inherit our environment."""
    directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    directory.chmod(0o755)  # The database server runs as a user of its own and must get through.
    os.environ[VARIABLE] = str(directory)
    return directory


def directory() -> Path:
    """The directory of the run that this process belongs to."""
    return Path(os.environ[VARIABLE])


def end(directory: Path) -> None:
    """Removes what the run left."""
    shutil.rmtree(directory, ignore_errors=True)
    os.environ.pop(VARIABLE, None)


def abandoned() -> list[Path]:
    """Directories of runs whose first process is gone, killed before it could clean up."""
    found = Path(tempfile.gettempdir()).glob(f"{PREFIX}*")
    return [path for path in found if not _lives(int(path.name.removeprefix(PREFIX).split("-")[0]))]


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
