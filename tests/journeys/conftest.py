"""What journeys share: an installation with everything that is shipped, and its clock in their hands."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.installation import START, Installation

Begin = Callable[..., Installation]


on_both = pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)
"""For journeys on which the databases could differ; each takes seconds, so the others go on SQLite alone."""


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """The database of the journey."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def begin(backend: str, tmp_path: Path) -> Iterator[Begin]:
    """Begin a journey at an instant of the test's own."""
    begun: list[Installation] = []

    def begin(now: datetime = START, *, blank: bool = False, **environ: str) -> Installation:
        prepare = Installation.blank if blank else Installation.shipped
        begun.append(prepare(tmp_path, backend=backend, now=now, environ=environ))
        return begun[-1]

    yield begin
    for installation in begun:
        installation.close()
