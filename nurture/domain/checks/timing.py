"""When things happen: windows that open, waits that end, schedules that fire."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.checks.catalogue import Catalogue, WrittenCampaign, sends_of, steps_of
from nurture.domain.checks.findings import Finding, KeyPath, error, warning
from nurture.domain.definition.steps import WaitStep
from nurture.domain.definition.window import WindowField
from nurture.domain.errors import InputError
from nurture.domain.timing.durations import Duration
from nurture.domain.timing.schedules import Schedule
from nurture.domain.timing.windows import QuietHours, compile_window, next_send
from nurture.domain.timing.zones import known_zone

LONGEST_WAIT = timedelta(days=180)
SHORTEST_WINDOW_MINUTES = 60
SHORTEST_REPEAT = timedelta(days=1)
LEAD = "lead"
_ANY_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def check_campaign(catalogue: Catalogue, campaign: WrittenCampaign) -> Iterator[Finding]:
    """The times in one campaign."""
    definition, file = campaign.definition, campaign.file
    if definition.zone is not None:
        yield from _zone(file, ("zone",), definition.zone)
    if definition.entry.schedule is not None:
        yield from _cron(file, definition.entry.schedule.cron)
        yield from _zone(file, ("entry", "schedule", "zone"), definition.entry.schedule.zone)
    if definition.window is not None:
        yield from _window(catalogue, file, ("window",), definition.window)
    for path, sender in sends_of(definition):
        if isinstance(sender.window, WindowField):
            yield from _window(catalogue, file, (*path, "window"), sender.window)
        if sender.send.every is not None and _length(sender.send.every) < SHORTEST_REPEAT:
            message = f'"{sender.send.every}" is less than a day between two mails. Give readers more time.'
            yield warning(file, (*path, "send", "every"), message)
    for path, step in steps_of(definition):
        if isinstance(step, WaitStep) and step.wait.for_ and _length(step.wait.for_) > LONGEST_WAIT:
            message = f'"{step.wait.for_}" is longer than half a year. Is it meant to be?'
            yield warning(file, (*path, "wait", "for"), message)


def _length(duration: Duration) -> timedelta:
    """About how long a duration is; a month counts 30 days."""
    return timedelta(days=duration.days + 30 * duration.months, seconds=duration.seconds)


def _zone(file: str, path: KeyPath, zone: str) -> Iterator[Finding]:
    if zone != LEAD and not known_zone(zone):
        message = f'"{zone}" is not a time zone. Write lead, or an IANA name such as Europe/Berlin.'
        yield error(file, path, message)


def _cron(file: str, expression: str) -> Iterator[Finding]:
    try:
        Schedule.parse(expression)
    except InputError as wrong:
        yield error(file, ("entry", "schedule", "cron"), str(wrong))


def _window(catalogue: Catalogue, file: str, path: KeyPath, field: WindowField) -> Iterator[Finding]:
    unknown = [*_zone(file, (*path, "zone"), field.zone)]
    yield from unknown
    if unknown:
        return
    window = compile_window(field)
    quiet = None
    # Where the window is in a zone of its own, quiet hours of leads elsewhere lie elsewhere.
    if catalogue.organisation.quiet_hours is not None and field.zone == LEAD:
        hours = catalogue.organisation.quiet_hours
        quiet = QuietHours.parse(hours.from_, hours.to)
    if next_send(_ANY_MONDAY, ZoneInfo("UTC"), window, quiet, frozenset()) is None:
        message = "The window lies inside the quiet hours, so it never opens. Move it."
        yield error(file, path, message)
    elif (window.closes - window.opens) % 1440 in range(1, SHORTEST_WINDOW_MINUTES):
        message = f"The window is open for less than {SHORTEST_WINDOW_MINUTES} minutes. Widen it."
        yield warning(file, path, message)
