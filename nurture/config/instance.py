"""The keys of an installation that was given none: made once, kept beside its data."""

import os
import secrets
from pathlib import Path

INSTANCE_FILE = "instance.env"

HEADER = """\
# The keys of this installation. Keep them secret, and keep a copy with your backups:
# without them the links in mails that were already sent stop working.
"""


def ensure_instance_secrets(var: Path) -> bool:
    """Writes `instance.env` below `var`, unless it is there, for its owner's eyes alone; says whether.

    Two processes that begin at once end with the same file.
    """
    path = var / INSTANCE_FILE
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        return False
    draft = var / f"{INSTANCE_FILE}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(HEADER + _new_secrets())
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, unlike a rename, fails where somebody else was first.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _new_secrets() -> str:
    return (
        f"NURTURE_SECRET_KEY={secrets.token_urlsafe(32)}\n"
        f"NURTURE_LINK_KEYS=1:{secrets.token_urlsafe(32)}\n"
        f"NURTURE_SUPPRESSION_KEY={secrets.token_urlsafe(32)}\n"
    )
