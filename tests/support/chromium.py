"""The browser that browser tests drive: Debian's, because it needs no download of its own."""

from pathlib import Path

from tests.support.system import ensure_debian


def executable() -> Path:
    """Chromium, installed when first asked for."""
    return ensure_debian("chromium", program="/usr/bin/chromium")
