"""Schedules that were found more than a day late: they ask a person whether they still should fire."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.errors import ConflictError, NotFound
from nurture.domain.values import Scalar
from nurture.services.runtime import Runtime
from nurture.store import campaigns, fires
from nurture.store.audit import AuditNote, record
from nurture.store.fires import LateFire


def late_fires(runtime: Runtime) -> list[LateFire]:
    """The instants that ask, oldest first."""
    with runtime.read() as session:
        return fires.late(session)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the campaign `slug` still lets in whom its schedule was for at `instant`."""

    slug: str
    instant: datetime
    fires: bool


def answer(runtime: Runtime, given: Answer, now: datetime, actor: str) -> None:
    """Let the audience in after all, in every zone that asks, or leave the instant out.

    Raises:
        NotFound: there is no such campaign.
        ConflictError: nothing asks about this instant (any more).
    """
    with runtime.write() as session:
        campaign = campaigns.by_slug(session, given.slug, lock=True)
        if campaign is None:
            raise NotFound(f'There is no campaign "{given.slug}".')
        if not fires.answer(session, campaign.id, given.instant, given.fires):
            raise ConflictError(
                f'The campaign "{given.slug}" does not ask about {given.instant:%Y-%m-%d %H:%M} (UTC).'
            )
        detail: dict[str, Scalar] = {"instant": given.instant.isoformat(), "fires": given.fires}
        record(session, AuditNote(actor, "campaign.answer_late", f"campaign:{given.slug}", detail), now)
