"""The browser and how it is started."""

import os
from typing import Any

import pytest

from tests.support import chromium


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium; its sandbox cannot run as root."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {
        **browser_type_launch_args,
        "executable_path": str(chromium.executable()),
        "args": [*sandbox, "--disable-dev-shm-usage"],
    }
