"""What applying the files would change, and how many leads each change touches."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.conditions.tree import Condition, SegmentTest
from nurture.domain.definition.campaign import CampaignDefinition, walk
from nurture.domain.definition.steps import SendStep
from nurture.domain.errors import FileError, InputError, Problem
from nurture.services.files.differences import CHANGED, NEW, SAME, Differences, differences
from nurture.services.files.reading import Files, read
from nurture.services.files.start import refuse_unready
from nurture.services.files.stored import Stored, load_stored
from nurture.services.files.values import Change, Paths, Plan
from nurture.services.house import House, load_house
from nurture.services.runtime import Runtime
from nurture.store import reach
from nurture.store.campaigns import DRAFT
from nurture.store.segments import SetContext


def plan(runtime: Runtime, paths: Paths) -> Plan:
    """What `apply` would do now.

    Raises:
        FileError: the files cannot be applied; with every problem.
    """
    now = runtime.clock.now()
    with runtime.read() as session:
        stored = load_stored(session)
        files = read_ready(runtime, paths, stored)
        return describe(session, files, stored, now)


def read_ready(runtime: Runtime, paths: Paths, stored: Stored) -> Files:
    """Files that can be applied as they are.

    Raises:
        FileError: they cannot; with every problem.
    """
    files = read(paths, stored)
    if not files.report.ok:
        raise FileError(*files.report.problems)
    refuse_unready(runtime.settings, files, stored)
    return files


def describe(session: Session, files: Files, stored: Stored, now: datetime) -> Plan:
    """What the files would change, in words and numbers."""
    found = differences(files, stored)
    view = _View(session, files, load_house(session), now)
    changes = [*_settings(view, found), *_templates(view, found), *_campaigns(view, found)]
    return Plan(tuple(changes), (*files.report.warnings, *_disagreements(files, stored)))


def _disagreements(files: Files, stored: Stored) -> Iterator[Problem]:
    """Campaigns that a person halted or started: files start drafts, and leave all else to people."""
    for file in files.design.campaigns:
        wanted, known = file.definition.status, stored.campaigns.get(file.definition.slug)
        if known is None or known.status in (wanted, DRAFT):
            continue
        message = f"The file says {wanted}, but the campaign is {known.status} and stays so."
        yield file.sheet.problem(("status",), f"{message} Change that in the app.")


@dataclass(frozen=True, slots=True)
class _View:
    """What counting needs."""

    session: Session
    files: Files
    house: House
    now: datetime

    def count(self, condition: Condition) -> int:
        """How many leads meet a condition now, by the segments and fields of the files."""
        catalogue = self.files.catalogue
        context = SetContext(
            dialect=self.session.get_bind().dialect.name,
            now=self.now,
            half_life=self.house.half_life,
            generation=self.house.active.id if self.house.active else None,
            segments={segment.slug: segment.when for segment in catalogue.segments.segments},
            field_types=catalogue.field_types,
        )
        try:
            return reach.mailable_leads(self.session, condition, context)
        except InputError:
            return 0


_TOUCHES = {
    "scoring": "every lead is scored anew",
    "lifecycle": "every lead is looked at again",
    "segments": "every lead is looked at again",
    "organisation": "every lead is looked at again",
}


def _settings(view: _View, found: Differences) -> Iterator[Change]:
    everybody = reach.all_leads(view.session)
    for change in found.documents:
        kind = "layout" if change.is_layout else "settings"
        note = _TOUCHES.get(change.document.name, "") if change.what in (NEW, CHANGED) else ""
        name = change.document.name.rpartition("/")[2]
        yield Change(kind, name, change.what, everybody if note else 0, note)


def _templates(view: _View, found: Differences) -> Iterator[Change]:
    """Templates, with the leads that now pass through campaigns which send them."""
    senders = {
        slug: [c.definition.slug for c in view.files.catalogue.campaigns if slug in _sent(view, c.definition)]
        for slug in {change.file.slug for change in found.templates}
    }
    under_way = reach.under_way(view.session)
    for change in found.templates:
        name = f"{change.file.slug}.{change.file.language}" if change.file.language else change.file.slug
        leads = sum(under_way.get(slug, 0) for slug in senders[change.file.slug])
        note = "mails already queued keep their version" if change.what == CHANGED else ""
        yield Change("template", name, change.what, leads, note)


def _sent(view: _View, definition: CampaignDefinition) -> frozenset[str]:
    """The templates that a campaign may send."""
    found: set[str] = set()
    for step in walk(definition.steps):
        if isinstance(step, SendStep) and step.send.template is not None:
            found.add(step.send.template)
        elif isinstance(step, SendStep) and step.send.stream is not None:
            stream = view.files.catalogue.stream(step.send.stream)
            found.update(view.files.catalogue.pieces(stream) if stream else ())
    return frozenset(found)


def _campaigns(view: _View, found: Differences) -> Iterator[Change]:
    under_way = reach.under_way(view.session)
    for change in found.campaigns:
        definition, stored = change.definition, change.stored
        if change.what == NEW:
            yield Change("campaign", definition.slug, NEW, 0, "version 1")
        elif change.what != SAME:
            note = ""
            if change.what == CHANGED and stored is not None:
                note = f"version {stored.number + 1}; leads under way finish on theirs"
            yield Change("campaign", definition.slug, change.what, under_way.get(definition.slug, 0), note)
        if change.starts:
            yield Change("campaign", definition.slug, "starts", *_enters(view, definition))


def _enters(view: _View, definition: CampaignDefinition) -> tuple[int, str]:
    """How many leads enter when the campaign starts, and when others do."""
    entry = definition.entry
    if entry.when is not None:
        return view.count(entry.when), "these leads enter at once"
    if entry.schedule is not None and entry.audience is not None:
        audience = entry.audience.when or SegmentTest(segment=str(entry.audience.segment))
        return view.count(audience), f"these leads enter whenever {entry.schedule.cron} comes round"
    return 0, f"leads enter by {entry.event}" if entry.event else "leads enter by hand"
