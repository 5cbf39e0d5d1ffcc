"""`nurture explain`: who a lead is, why its score, what it was sent and why it was not."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from nurture.cli.console import as_json, result, table
from nurture.cli.opening import opened
from nurture.services import explain as services
from nurture.services.explain import Explanation

SHOWN = 25
"""How many rows of each list a person is shown; scripts get what the service gives."""


@click.command()
@click.argument("address")
@click.option("--json", "wants_json", is_flag=True, help="For scripts; up to 500 rows of each list.")
def explain(address: str, wants_json: bool) -> None:
    """Tell everything about a lead, and why.

    Its score entry by entry, its mails, and every decision with its reason.
    """
    with opened() as runtime:
        told = services.explain(runtime, address, runtime.clock.now())
    if wants_json:
        as_json(asdict(told))
        return
    _lead(told.lead)
    _lists(told)


def _lead(lead: Mapping[str, Any]) -> None:
    name = " ".join(filter(None, (lead["first_name"], lead["last_name"])))
    result(f"{name} <{lead['address']}>" if name else str(lead["address"]), "bold")
    company = ", ".join(filter(None, (lead["company"], lead["industry"])))
    if company:
        result(company)
    result(f"{lead['lifecycle']} since {_day(lead['lifecycle_since'])}, stage {lead['stage']}")
    result(f"engagement {lead['engagement']:.1f}, fit {lead['fit']}, rating {lead['rating']}")
    result("may be mailed" if lead["mailable"] else f"is not mailed: {lead['not_mailable_because']}")
    for label, words in (
        ("refuses", lead["refused_topics"]),
        ("tags", lead["tags"]),
        ("in", lead["campaigns"]),
    ):
        if words:
            result(f"{label} {', '.join(words)}")


def _lists(told: Explanation) -> None:
    _newest("Score", ("when", "rule", "points", "cut", "counts", "note"), told.score_entries, (
        "effective_at", "rule", "raw", "cut", "net", "note",
    ))  # fmt: skip
    _newest("Mails", ("planned", "campaign", "step", "piece", "state", "reason", "sent"), told.messages, (
        "planned_at", "campaign", "step", "piece", "state", "reason", "sent_at",
    ))  # fmt: skip
    _newest("Decisions", ("when", "campaign", "step", "outcome", "why", "next"), told.decisions, (
        "at", "campaign", "step", "outcome", "sentence", "next_at",
    ))  # fmt: skip


def _newest(
    title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> None:
    more = f", newest {SHOWN} of {len(rows)}" if len(rows) > SHOWN else ""
    table(f"{title}{more}", columns, ([_cell(name, row[name]) for name in names] for row in rows[:SHOWN]))


def _cell(name: str, value: object) -> object:
    if isinstance(value, float):
        return f"{value:+.1f}"
    return _minute(value) if name.endswith("at") and isinstance(value, str) else value


def _minute(instant: str) -> str:
    return instant[:16].replace("T", " ")


def _day(instant: str | None) -> str:
    return instant[:10] if instant else "–"
