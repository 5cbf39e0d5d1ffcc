"""`nurture backup` and `nurture restore`."""

from datetime import datetime
from pathlib import Path

import click

from nurture.app import current_settings
from nurture.cli.console import note, result, warn
from nurture.cli.opening import begin_log, opened, runtime_of
from nurture.config import LogLevel
from nurture.services import backup as services
from nurture.services.runtime import Runtime


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
def backup(file: Path | None) -> None:
    """Copy the database while it works.

    The copy goes into FILE, by default a new one below NURTURE_VAR, and is complete and consistent. The
    keys of the installation are not in it: keep a copy of instance.env, or of your environment, too.
    """
    with opened() as runtime:
        target = file or _default(runtime, runtime.clock.now())
        services.backup(runtime, target)
    result(str(target))
    note("The keys are not in it; keep a copy of them as well.")


def _default(runtime: Runtime, now: datetime) -> Path:
    ending = "db" if runtime.engine.dialect.name == "sqlite" else "dump"
    return runtime.settings.var / "backups" / f"nurture-{now:%Y%m%d-%H%M%S}.{ending}"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Go back to a backup, with sending on hold.

    Stop `nurture serve` first. Either everything is restored or nothing is changed. An older backup is
    upgraded. On SQLite the database that was there is kept beside the new one.
    """
    settings = current_settings()
    begin_log(settings, LogLevel.WARNING)
    with runtime_of(settings) as runtime:
        kept = services.restore(runtime, file, runtime.clock.now())
    result(f"Restored {file}.")
    if kept is not None:
        note(f"What was there before: {kept}")
    warn(
        "Sending is on hold: what was sent since the backup was made is not in it and would go out twice. "
        "Start Nurture, look through the outbox, then run `nurture go --release`."
    )
