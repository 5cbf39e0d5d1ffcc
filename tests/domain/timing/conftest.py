"""Timing is tested on a machine whose own clock does not show UTC, so that nothing can lean on it."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def _machine_west_of_utc() -> Iterator[None]:
    """Three hours behind UTC: as far as Halifax is in summer, and as São Paulo was in winter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "MACHINE3")
        time.tzset()
        yield
    time.tzset()
