"""The campaigns that leads may enter now."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from nurture.domain.decide import Flow
from nurture.domain.definition.campaign import Entry
from nurture.services.flows import load_flows
from nurture.store import campaigns as store
from nurture.store.campaigns import CampaignState


@dataclass(frozen=True, slots=True)
class Programme:
    """A running campaign with the version that new leads enter."""

    state: CampaignState
    version_id: int
    flow: Flow

    @property
    def id(self) -> int:
        """The campaign's id."""
        return self.state.id

    @property
    def slug(self) -> str:
        """The campaign's slug."""
        return self.state.slug

    @property
    def entry(self) -> Entry:
        """How leads get in."""
        return self.flow.definition.entry


def running(session: Session) -> tuple[Programme, ...]:
    """Every campaign that runs, those of higher priority first; one that cannot be read is left out."""
    return programmes(session, store.running(session))


def programmes(session: Session, states: Iterable[CampaignState]) -> tuple[Programme, ...]:
    """These campaigns with their current versions."""
    versions = {state.version_id: state for state in states if state.version_id is not None}
    flows = load_flows(session, versions.keys())
    return tuple(
        Programme(state, version_id, flows[version_id])
        for version_id, state in versions.items()
        if version_id in flows
    )
