"""What tests of services share."""

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from tests.support.stage import Stage


@pytest.fixture
def stage(engine: Engine, clock: FixedClock) -> Stage:
    """An empty house on a Monday morning in March, on SQLite and on PostgreSQL."""
    return Stage(engine, clock)
