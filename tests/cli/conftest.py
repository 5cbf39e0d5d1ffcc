"""The command line as a script calls it: an installation of the test's own, and commands run in it."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from nurture.cli import main

ROOT = Path(__file__).parents[2]

Nurture = Callable[..., Result]
"""`nurture("leads", "import", "x.csv")`; `input` is standard input."""


@pytest.fixture(autouse=True)
def _log() -> Iterator[None]:
    """Commands send the log to the standard error of their own, which ends with them."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of an installation below the test's directory; nothing comes from the machine's own."""
    for name in os.environ:
        if name.startswith("NURTURE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return {
        "NURTURE_VAR": str(tmp_path / "var"),
        "NURTURE_CAMPAIGNS_DIR": str(ROOT / "campaigns"),
        "NURTURE_TEMPLATES_DIR": str(ROOT / "email_templates"),
    }


@pytest.fixture
def nurture(environ: dict[str, str]) -> Nurture:
    """Run a command in the installation."""

    def run(*arguments: str, input: str | None = None) -> Result:
        result = CliRunner().invoke(main, arguments, input=input, env=environ)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `nurture init` makes, once for all tests."""
    var = tmp_path_factory.mktemp("made") / "var"
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("NURTURE_"):
                patch.delenv(name)
        patch.chdir(ROOT)
        result = CliRunner().invoke(main, ["init"], env={"NURTURE_VAR": str(var)}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return var


@pytest.fixture
def installed(nurture: Nurture, _made: Path, tmp_path: Path) -> Nurture:
    """Run a command in an installation that `nurture init` has made ready."""
    shutil.copytree(_made, tmp_path / "var")
    return nurture
