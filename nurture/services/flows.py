"""Campaign definitions made ready for walking, compiled once per version."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from nurture.domain.decide import Flow, compile_flow
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.errors import InputError
from nurture.store import campaigns as store

_KEPT = 500
_flows: dict[str, Flow] = {}
"""Compiled versions by digest; a version never changes."""


def load_flows(session: Session, version_ids: Collection[int]) -> dict[int, Flow]:
    """The flow of each of these versions; those that cannot be read are left out."""
    digests = store.digests(session, version_ids)
    unknown = [version_id for version_id, digest in digests.items() if digest not in _flows]
    for version_id, body in (store.definitions(session, unknown) if unknown else {}).items():
        flow = _compiled(body)
        if flow is not None:
            while len(_flows) >= _KEPT:
                _flows.pop(next(iter(_flows)), None)
            _flows[digests[version_id]] = flow
    return {version_id: _flows[digest] for version_id, digest in digests.items() if digest in _flows}


def _compiled(body: Mapping[str, Any]) -> Flow | None:
    try:
        return compile_flow(CampaignDefinition.model_validate(body))
    except (ValidationError, InputError):
        # It was valid when it was stored; whoever needs it says so where a person sees it.
        return None
