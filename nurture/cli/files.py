"""Campaigns and templates: from files to the database and back."""

from pathlib import Path

import click

from nurture.app import current_settings
from nurture.cli.console import as_json, complain, note, result, table, warn
from nurture.cli.opening import opened
from nurture.domain.errors import Problem
from nurture.services import files
from nurture.services.files import Paths, Plan, Report

json_option = click.option("--json", "wants_json", is_flag=True, help="For scripts.")
verbose_option = click.option("--templates", is_flag=True, help="Also list every template.")


@click.command()
@verbose_option
@json_option
def check(templates: bool, wants_json: bool) -> None:
    """Look for mistakes in the files; needs no database. The exit code is 1 where there are any."""
    report = files.check(Paths.of(current_settings()))
    if wants_json:
        as_json(report.as_json() | {"ok": report.ok})
    else:
        _tell_report(report, templates)
    if not report.ok:
        raise SystemExit(1)


def _tell_report(report: Report, templates: bool) -> None:
    for problem in report.problems:
        complain(str(problem))
    _warn(report.warnings)
    if templates:
        flat = {True: "flat (fastest)", False: "with conditions or loops"}
        lines = ((line.file, flat[line.flat], line.links) for line in report.templates)
        table("Templates", ("file", "renders", "links"), lines)
    if report.ok:
        result(f"No mistakes in {len(report.templates)} templates and the campaigns.")


@click.command()
@json_option
def plan(wants_json: bool) -> None:
    """Show what `apply` would change, and whom.

    How many leads each change touches is shown; nothing is changed.
    """
    with opened() as runtime:
        planned = files.plan(runtime, Paths.of(runtime.settings))
    _tell_plan(planned, wants_json, "Nothing would change.")


@click.command()
@json_option
def apply(wants_json: bool) -> None:
    """Bring the files into the database and start the campaigns that they call active.

    With a mistake in any file nothing is changed. Leads in flight finish on the version they are on.
    """
    with opened() as runtime:
        applied = files.apply(runtime, Paths.of(runtime.settings), runtime.clock.now(), "cli")
    _tell_plan(applied, wants_json, "Nothing has changed.")


def _tell_plan(plan: Plan, wants_json: bool, nothing: str) -> None:
    if wants_json:
        as_json(plan.as_json())
        return
    _warn(plan.warnings)
    rows = ((one.kind, one.name, one.what, one.leads or "", one.note) for one in plan.changes)
    table("", ("kind", "name", "what", "leads", "note"), rows)
    if not plan.changes:
        result(nothing)


@click.command()
@click.option("--campaigns", type=click.Path(path_type=Path), help="Instead of NURTURE_CAMPAIGNS_DIR.")
@click.option("--templates", type=click.Path(path_type=Path), help="Instead of NURTURE_TEMPLATES_DIR.")
def export(campaigns: Path | None, templates: Path | None) -> None:
    """Write the files that the database holds, byte for byte as they were applied.

    Files that are there are replaced; those that the database does not know are left alone.
    """
    with opened() as runtime:
        paths = Paths.of(runtime.settings)
        written = files.export(runtime, Paths(campaigns or paths.campaigns, templates or paths.templates))
    for path in written:
        result(str(path))
    note(f"{len(written)} files written.")


def _warn(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        warn(str(problem))
