"""The import of leads and of suppressions, from a table to the last portion."""

import csv
import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nurture.domain.errors import InputError
from nurture.net.addresses import normalise
from nurture.services.house import load_house
from nurture.services.importing.drafts import Columns, LeadDraft, draft, understand
from nurture.services.importing.table import Table, read_table
from nurture.services.importing.write import Batch, addresses_known, write
from nurture.services.runtime import Runtime
from nurture.store.audit import AuditNote, record
from nurture.store.base import chunks
from nurture.store.leads import mark_dirty
from nurture.store.messages import suppress_pending
from nurture.store.suppressions import NewSuppression, suppress

PORTION = 100
"""Rows per transaction."""

GAP_SECONDS = 0.02
"""Between two transactions on SQLite, whose writers in other processes poll: without gaps they starve."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not used, and why."""

    line: int
    cells: dict[str, str]
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do."""

    file: str
    dry_run: bool
    rows: int = 0
    created: int = 0
    updated: int = 0
    without_consent: int = 0
    ignored_columns: tuple[str, ...] = ()
    refused: list[Refused] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """For scripts: everything but the refused rows' cells."""
        refused = [{"line": row.line, "reason": row.reason} for row in self.refused]
        return {**dataclasses.asdict(self), "refused": refused}


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What to import and how: `consent` says how it was given, for rows that do not say it themselves."""

    path: Path
    consent: str | None = None
    dry_run: bool = False
    actor: str = "cli"


Progress = Callable[[int, int], None]
"""Told after each portion: rows read so far, and about how many there are."""


def import_leads(
    runtime: Runtime, order: ImportOrder, now: datetime, progress: Progress = lambda _read, _of: None
) -> ImportReport:
    """Bring a CSV of leads in, portion by portion; a dry run reads and judges everything and writes nothing.

    Raises:
        FileError: the file cannot be read as a table.
        InputError: its header does not name what is needed.
    """
    table = read_table(order.path)
    with runtime.read() as session:
        columns = understand(table.header, load_house(session).organisation.fields)
    report = ImportReport(order.path.name, order.dry_run, ignored_columns=columns.ignored)
    batch = Batch(order.path.name, now, order.actor)
    seen: set[str] = set()
    of = table.count()
    for drafts in chunks(_drafts(table, columns, order, report), PORTION):
        if order.dry_run:
            known = _known(runtime, drafts)
        else:
            with runtime.write() as session:
                known = write(session, runtime, drafts, batch)
            _let_others_write(runtime)
        addresses = {draft.address for draft in drafts} - seen
        report.created += len(addresses - known)
        report.updated += len(addresses & known)
        seen |= addresses
        progress(report.rows, max(of, report.rows))
    if not order.dry_run:
        _note(runtime, order.actor, "leads-imported", report, now)
    return report


def _drafts(table: Table, columns: Columns, order: ImportOrder, report: ImportReport) -> Iterator[LeadDraft]:
    for row in table.rows():
        report.rows += 1
        try:
            found = draft(row, columns)
        except InputError as fault:
            report.refused.append(Refused(row.line, row.cells, str(fault)))
            continue
        consent = order.consent if found.consent is None else found.consent
        report.without_consent += not consent
        yield dataclasses.replace(found, consent=consent)


def _let_others_write(runtime: Runtime) -> None:
    if runtime.engine.dialect.name == "sqlite":
        time.sleep(GAP_SECONDS)


def _note(runtime: Runtime, actor: str, action: str, report: ImportReport, now: datetime) -> None:
    told = {"rows": report.rows, "created": report.created, "updated": report.updated}
    with runtime.write() as session:
        record(session, AuditNote(actor, action, f"file:{report.file}", told), now)


def _known(runtime: Runtime, drafts: list[LeadDraft]) -> set[str]:
    with runtime.read() as session:
        return set(addresses_known(session, [draft.address for draft in drafts]))


def import_suppressions(runtime: Runtime, path: Path, now: datetime) -> ImportReport:
    """Bring a list of addresses in that must not be mailed: columns `email`, and `reason` where known.

    Raises:
        FileError: the file cannot be read as a table.
        InputError: it has no column of addresses.
    """
    table = read_table(path)
    columns = understand(tuple(name for name in table.header if name not in ("reason", "scope")), ())
    report = ImportReport(path.name, dry_run=False)
    for entries in chunks(_suppressions(table, columns, report), PORTION):
        with runtime.write() as session:
            leads = suppress(session, entries, runtime.hash_address, now)
            suppress_pending(session, leads, "suppressed", now)
            mark_dirty(session, leads, now)
        report.created += len(entries)
        _let_others_write(runtime)
    _note(runtime, "cli", "suppressions-imported", report, now)
    return report


_REASONS = {
    "unsubscribe": "unsubscribe",
    "unsubscribed": "unsubscribe",
    "complaint": "complaint",
    "spam": "complaint",
    "bounce": "hard_bounce",
    "bounced": "hard_bounce",
    "hard_bounce": "hard_bounce",
    "invalid": "invalid",
}


def _suppressions(table: Table, columns: Columns, report: ImportReport) -> Iterator[NewSuppression]:
    address_column = next(column for column, name in columns.meaning.items() if name == "email")
    for row in table.rows():
        report.rows += 1
        reason = _REASONS.get(row.cells.get("reason", "").lower().replace(" ", "_"), "manual")
        scope = "marketing" if reason == "unsubscribe" else "all"
        try:
            if row.fault:
                raise InputError(f"The row {row.fault}")
            address = normalise(row.cells.get(address_column, ""))
        except InputError as fault:
            report.refused.append(Refused(row.line, row.cells, str(fault)))
            continue
        yield NewSuppression(address, scope, reason, source=f"import of {table.name}")


def write_refused(report: ImportReport, path: Path) -> None:
    """Write the refused rows with their lines and reasons, safe to open in a spreadsheet."""
    columns = list(dict.fromkeys(name for row in report.refused for name in row.cells))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "reason", *columns])
        for row in report.refused:
            cells = (row.cells.get(name, "") for name in columns)
            writer.writerow([row.line, *map(_harmless, (row.reason, *cells))])


def _harmless(cell: str) -> str:
    """Cells that a spreadsheet would run as a formula get a quote in front. Source: OWASP, CSV Injection."""
    return f"'{cell}" if cell.lstrip(" \ufeff").startswith(_FORMULA) else cell
