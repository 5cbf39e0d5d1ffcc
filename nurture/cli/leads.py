"""Leads and suppressions come in, and people are forgotten."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nurture.cli.console import as_json, note, result, warn
from nurture.cli.opening import opened
from nurture.services import erase as services
from nurture.services.importing.run import (
    ImportOrder,
    ImportReport,
    import_leads,
    import_suppressions,
    write_refused,
)

csv_file = click.argument("file", type=click.Path(path_type=Path))
SHOWN = 20
"""How many refused rows are told where they cannot be written to a file."""

json_option = click.option("--json", "wants_json", is_flag=True, help="For scripts.")


@click.group()
def leads() -> None:
    """Import leads."""


@leads.command(name="import")
@csv_file
@click.option("--dry-run", is_flag=True, help="Read and judge everything, write nothing.")
@click.option("--consent", metavar="HOW", help="How people consented, for rows that do not say it.")
@json_option
def leads_import(file: Path, dry_run: bool, consent: str | None, wants_json: bool) -> None:
    """Bring leads in from a CSV file whose first line names the columns.

    Known are: email, first_name, last_name, language, zone, tags (separated by ;), lifecycle, stage,
    consent; company, domain, industry, company_size, country; and the custom fields of organisation.yaml.
    Rows that cannot be used are written to FILE.refused.csv with their reasons. Leads without consent are
    imported and not mailed.
    """
    order = ImportOrder(file, _said(consent), dry_run)
    with opened() as runtime, _progress(wants_json) as progress:
        bar = progress.add_task(file.name, total=None)
        report = import_leads(
            runtime,
            order,
            runtime.clock.now(),
            lambda done, total: progress.update(bar, completed=done, total=total),
        )
    refused = _keep_refused(report, file)
    if wants_json:
        as_json(report.as_json())
        return
    _tell(report, refused)


def _said(consent: str | None) -> str | None:
    if consent is not None and not consent.strip():
        raise click.BadParameter("say how it was given", param_hint="--consent")
    return consent and consent.strip()


def _tell(report: ImportReport, refused: Path | None) -> None:
    would = "would be " if report.dry_run else ""
    result(f"{report.rows} rows: {report.created} leads {would}created, {report.updated} {would}updated.")
    if report.ignored_columns:
        warn(f"Ignored columns, which mean nothing here: {', '.join(report.ignored_columns)}.")
    if report.without_consent:
        warn(
            f"{report.without_consent} rows carry no consent: their leads are imported, but not mailed. "
            "Where they did consent, import again with a column `consent`, or with --consent."
        )
    if refused is not None:
        warn(f"{len(report.refused)} rows were refused; see {refused} for the reasons.")


def _keep_refused(report: ImportReport, file: Path) -> Path | None:
    if not report.refused:
        return None
    path = file.with_name(f"{file.name}.refused.csv")
    try:
        write_refused(report, path)
    except OSError as fault:
        warn(f"{path} cannot be written ({fault.strerror}); the first reasons are:")
        for row in report.refused[:SHOWN]:
            note(f"  line {row.line}: {row.reason}")
        return None
    return path


def _progress(hidden: bool) -> Progress:
    """A bar on standard error; none where that is no terminal."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=(console := Console(stderr=True)),
        transient=True,
        disable=hidden or not console.is_terminal,
    )


@click.group()
def suppression() -> None:
    """Import addresses not to be mailed."""


@suppression.command(name="import")
@csv_file
@json_option
def suppression_import(file: Path, wants_json: bool) -> None:
    """Bring in addresses that must not be mailed: columns email, and reason where known.

    Reasons: unsubscribe, complaint, bounce, invalid; everything else counts as manual. An unsubscribe
    blocks marketing, all others block every mail.
    """
    with opened() as runtime:
        report = import_suppressions(runtime, file, runtime.clock.now())
    refused = _keep_refused(report, file)
    if wants_json:
        as_json(report.as_json())
        return
    result(f"{report.rows} rows: {report.created} addresses are suppressed now.")
    if refused is not None:
        warn(f"{len(report.refused)} rows were refused; see {refused} for the reasons.")


@click.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(address: str, yes: bool) -> None:
    """Forget a person for good: names, fields, mails, and the details of what they did.

    Only an anonymous mark stays, so that a later import does not mail the person again.
    """
    if not yes:
        click.confirm(f"Forget {address} for good?", abort=True, err=True)
    with opened() as runtime:
        erased = services.erase(runtime, address, runtime.clock.now(), "cli")
    result(
        f"Forgotten: {erased.messages} messages and {erased.events} events no longer tell whose they were."
    )
    note("Backups made before still hold the person; they have to be let expire.")
