"""`nurture stop` and `nurture go`: whether anything is sent at all."""

import click

from nurture.cli.console import note, result
from nurture.cli.opening import opened
from nurture.domain.errors import ConflictError
from nurture.services import switches


@click.command()
@click.option("--reason", default="", help="Why; shown in the app.")
def stop(reason: str) -> None:
    """Stop all sending at once: no mail leaves after this command has ended.

    Planning, tracking and unsubscribing go on; what becomes due waits.
    """
    with opened() as runtime:
        switches.stop(runtime, runtime.clock.now(), "cli", reason)
    result("Sending is stopped. `nurture go` lets it go on.")


@click.command()
@click.option("--release", is_flag=True, help="Also end the hold that a restored backup starts with.")
def go(release: bool) -> None:
    """Let sending go on.

    A restored backup does not know what was sent since it was made: look at it first, then say --release.
    """
    with opened() as runtime:
        now = runtime.clock.now()
        switches.go(runtime, now, "cli")
        if release:
            switches.release_restored(runtime, now, "cli")
        with runtime.read() as session:
            held = switches.stops(session)
    if held:
        raise ConflictError(
            "The database was restored from a backup, so sending stays on hold: what was sent since the "
            "backup was made would go out twice. Look through the outbox, then run `nurture go --release`."
        )
    result("Sending goes on.")
    note("What became due meanwhile goes out now, within its windows.")
