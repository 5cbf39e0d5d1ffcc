"""`nurture doctor`: what is wrong, for people and for monitoring."""

from typing import Any

import click

from nurture.cli.console import as_json, complain, result, warn
from nurture.cli.opening import opened
from nurture.domain.errors import NurtureError
from nurture.services.doctor import diagnose


@click.command()
@click.option("--json", "wants_json", is_flag=True, help="For scripts.")
def doctor(wants_json: bool) -> None:
    """Say what is wrong. The exit code is 1 where anything is."""
    told = _diagnosis()
    if wants_json:
        as_json(told)
    else:
        _tell(told)
    if told["problems"]:
        raise SystemExit(1)


def _diagnosis() -> dict[str, Any]:
    """What the service finds; a house that cannot even be opened is a finding too."""
    try:
        with opened() as runtime:
            return diagnose(runtime, runtime.clock.now()).as_json() | {"warnings": runtime.settings.warnings}
    except NurtureError as fault:
        return {"in_doubt": None, "problems": [str(fault)], "warnings": []}


def _tell(told: dict[str, Any]) -> None:
    for warning in told["warnings"]:
        warn(str(warning))
    for problem in told["problems"]:
        complain(str(problem))
    if told["in_doubt"]:
        result(f"{told['in_doubt']} messages are in doubt: nobody knows whether they were sent.")
    if not told["problems"]:
        result("Nothing is wrong.")
