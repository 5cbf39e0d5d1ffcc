"""A runtime on a fresh database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.services.runtime import Runtime
from tests.support.runtimes import runtime_on, settings_for


@pytest.fixture
def runtime(engine: Engine, clock: FixedClock, tmp_path: Path) -> Runtime:
    """On both databases in turn."""
    return runtime_on(engine, clock, settings_for(tmp_path))
