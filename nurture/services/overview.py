"""The dashboard: how it goes, what happened last, and what needs somebody."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.errors import NotFound
from nurture.services.runtime import Runtime
from nurture.store import rollups
from nurture.store.reports import campaigns as reads
from nurture.store.reports import outbox, tasks
from nurture.store.reports.activity import Activity, latest_activity
from nurture.store.reports.campaigns import CampaignRow, Waiting, campaign_rows
from nurture.store.reports.counting import Count
from nurture.store.reports.tasks import TaskRow
from nurture.store.rollups import Level, Measure

PERIODS = (7, 30, 90)
CHARTED = (Measure.SENT, Measure.OPENED, Measure.CLICKED, Measure.REPLIED)
LATEST, URGENT = 6, 4


@dataclass(frozen=True, slots=True)
class Period:
    """A number of whole days up to today, and the same number before them; both ends included."""

    days: int
    today: date

    @property
    def first(self) -> date:
        """The first day of the period."""
        return self.today - timedelta(days=self.days - 1)

    @property
    def before(self) -> "Period":
        """The period of the same length just before this one."""
        return Period(self.days, self.first - timedelta(days=1))

    def dates(self) -> list[date]:
        """Every day, oldest first."""
        return [self.first + timedelta(days=offset) for offset in range(self.days)]


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was counted in a period, and what stood at a height at its end."""

    sums: dict[Measure, int]
    levels: dict[Level, int]


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign with its numbers of the period."""

    row: CampaignRow
    steps: int
    sums: dict[Measure, int]
    levels: dict[Level, int]


@dataclass(frozen=True, slots=True)
class Needs:
    """What waits for a person."""

    tasks: tuple[TaskRow, ...]
    open_tasks: Count
    in_doubt: Count
    failed: Count

    def __bool__(self) -> bool:
        return bool(self.open_tasks or self.in_doubt or self.failed)


@dataclass(frozen=True, slots=True)
class Overview:
    """The dashboard, as frozen values; `earlier` are the numbers of the period before."""

    period: Period
    present: Numbers
    earlier: Numbers
    days: tuple[tuple[date, dict[Measure, int]], ...]
    activity: tuple[Activity, ...]
    needs: Needs
    campaigns: tuple[CampaignLine, ...]


def overview(runtime: Runtime, days: int, now: datetime) -> Overview:
    """The dashboard for the last `days` days of the organisation's calendar."""
    period = Period(days, now.astimezone(ZoneInfo(runtime.settings.zone)).date())
    with runtime.read() as session:
        by_day = rollups.sums_by_day(session, period.first, period.today)
        levels = _levels(session, period.today)
        return Overview(
            period=period,
            present=Numbers(rollups.sums(session, period.first, period.today), levels[""]),
            earlier=_earlier(session, period.before),
            days=tuple((day, by_day.get(day, {})) for day in period.dates()),
            activity=latest_activity(session, LATEST),
            needs=needs(session),
            campaigns=campaign_lines(session, period, levels),
        )


def needs(session: Session) -> Needs:
    """What waits for a person now."""
    counts = outbox.counts(session)
    return Needs(
        tasks=tasks.tasks(session, "open", URGENT),
        open_tasks=tasks.open_tasks(session),
        in_doubt=counts["unconfirmed"],
        failed=counts["failed"],
    )


def campaign_lines(
    session: Session, period: Period, levels: dict[str, dict[Level, int]]
) -> tuple[CampaignLine, ...]:
    """Every campaign with its numbers."""
    sums = rollups.sums_by_campaign(session, period.first, period.today)
    return tuple(
        CampaignLine(row, _steps(row), sums.get(row.slug, {}), levels.get(row.slug, {}))
        for row in campaign_rows(session)
    )


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """One campaign's page; `waiting` is by step, `subjects` by template."""

    line: CampaignLine
    definition: CampaignDefinition | None
    waiting: dict[str, Waiting]
    subjects: dict[str, str]
    next_at: datetime | None

    @property
    def under_way(self) -> int:
        """How many leads pass through now."""
        return sum(step.here for step in self.waiting.values())

    @property
    def on_older(self) -> int:
        """How many of them are on an older version."""
        return sum(step.on_older for step in self.waiting.values())


def campaign_page(session: Session, slug: str, period: Period) -> CampaignPage:
    """One campaign with who waits where.

    Raises:
        NotFound: there is no such campaign.
    """
    row = reads.campaign_by_slug(session, slug)
    if row is None:
        raise NotFound(f"There is no campaign {slug}.")
    sums = rollups.sums_by_campaign(session, period.first, period.today)
    levels = rollups.levels_on(session, period.today)
    return CampaignPage(
        line=CampaignLine(row, _steps(row), sums.get(slug, {}), levels.get(slug, {})),
        definition=CampaignDefinition.model_validate(row.definition) if row.definition else None,
        waiting=reads.waiting_by_step(session, row),
        subjects=reads.subjects(session),
        next_at=reads.next_due(session, row.id),
    )


def _steps(row: CampaignRow) -> int:
    """How many steps the definition has, in all of its arms."""

    def count(steps: object) -> int:
        if not isinstance(steps, list):
            return 0
        arms = [arm for step in steps for arm in step.get("branch") or step.get("split") or ()]
        return len(steps) + sum(count(arm.get("steps")) for arm in arms)

    return count(row.definition.get("steps"))


def _levels(session: Session, today: date) -> dict[str, dict[Level, int]]:
    """The levels as last noted; counted on the spot where nobody has noted any yet."""
    noted = rollups.levels_on(session, today)
    if noted.get(""):
        return noted
    return {"": rollups.lead_levels(session), **rollups.campaign_levels(session)}


def _earlier(session: Session, before: Period) -> Numbers:
    noted = rollups.levels_on(session, before.today)
    return Numbers(rollups.sums(session, before.first, before.today), noted.get("", {}))
