"""From files to the database: everything, or nothing where anything is wrong."""

import time
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.content.campaign_files import body_of
from nurture.domain.definition.scoring import Scoring
from nurture.services import generations
from nurture.services.files.differences import (
    CHANGED,
    NEW,
    CampaignChange,
    Differences,
    differences,
    entry_of,
)
from nurture.services.files.planning import describe, read_ready
from nurture.services.files.reading import Files
from nurture.services.files.stored import load_stored
from nurture.services.files.values import Paths, Plan
from nurture.services.house import load_house
from nurture.services.runtime import Runtime
from nurture.store import campaigns as campaign_store
from nurture.store import documents as document_store
from nurture.store import fires
from nurture.store import generations as generation_store
from nurture.store import templates as template_store
from nurture.store.audit import AuditNote, record
from nurture.store.campaigns import ACTIVE, DRAFT, NewCampaignVersion
from nurture.store.leads import mark_all_dirty
from nurture.store.templates import NewVersion

WEIGH_AGAIN = frozenset({"scoring", "lifecycle", "segments", "organisation"})
"""Settings that decide where leads stand, so that every lead is looked at again."""


def apply(runtime: Runtime, paths: Paths, now: datetime, actor: str = "cli") -> Plan:
    """Make the database say what the files say, and start what they call active.

    What only the database holds stays. Everything happens in one transaction; scoring rules that changed
    are then built beside those that count, and take their place.

    Raises:
        FileError: something is wrong; nothing was changed.
    """
    with runtime.read() as session:
        stored = load_stored(session)
    files = read_ready(runtime, paths, stored)
    with runtime.write() as session:
        stored = load_stored(session)
        found = differences(files, stored)
        done = describe(session, files, stored, now)
        _save(session, files, found, actor, now)
        generations.install(session, now)
    if "scoring" in found.changed_settings() and files.catalogue.scoring is not None:
        _score_anew(runtime, files.catalogue.scoring, now)
    return done


def _save(session: Session, files: Files, found: Differences, actor: str, now: datetime) -> None:
    document_store.save_documents(session, [change.document for change in found.documents], now)
    versions = [
        NewVersion(
            id=change.version_id,
            slug=change.file.slug,
            language=change.file.language,
            front=change.file.front,
            source=change.file.source,
            layout=change.file.layout.source if change.file.layout else None,
            compiled=files.compiled[change.file.slug, change.file.language].to_json(),
        )
        for change in found.templates
    ]
    template_store.save_versions(session, versions, now)
    for campaign in found.campaigns:
        _save_campaign(session, campaign, actor, now)
    if found.changed_settings() & WEIGH_AGAIN or any(map(_opens_a_door, found.campaigns)):
        mark_all_dirty(session, now)
    if found.documents or found.templates or found.campaigns:
        record(session, AuditNote(actor, "files.apply", "", _counts(found)), now)


def _counts(found: Differences) -> dict[str, int]:
    return {
        "settings": len(found.documents),
        "templates": len(found.templates),
        "campaigns": len(found.campaigns),
        "started": sum(change.starts for change in found.campaigns),
    }


def _save_campaign(session: Session, change: CampaignChange, actor: str, now: datetime) -> None:
    definition, stored = change.definition, change.stored
    source = change.file.sheet.source
    if stored is None:
        campaign_id = campaign_store.add(session, definition, change.path, now)
    else:
        campaign_id = stored.id
    if change.what in (NEW, CHANGED):
        number = stored.number + 1 if stored else 1
        version = NewCampaignVersion(campaign_id, number, body_of(definition), source, change.digest)
        campaign_store.add_version(session, definition, version, actor, now)
    campaign_store.keep_source(session, campaign_id, source, change.path)
    if change.starts:
        campaign_store.set_status(session, campaign_id, ACTIVE, started_at=now)
    if definition.entry.schedule is not None:
        # The schedule may be another now, so when it fires next is worked out again.
        fires.look_again_at(session, campaign_id, now)


def _opens_a_door(change: CampaignChange) -> bool:
    """Whether leads that stood outside may come in now."""
    if change.definition.entry.when is None:
        return False
    if change.starts:
        return True
    stored = change.stored
    runs = stored is not None and stored.status not in (DRAFT,)
    return runs and stored is not None and entry_of(stored.definition) != entry_of(body_of(change.definition))


def _score_anew(runtime: Runtime, scoring: Scoring, now: datetime) -> None:
    """Build the new rules' scores and let them count; a worker that is building too is waited for."""
    if generations.begin(runtime, scoring, now) is None:
        return
    while _is_being_built(runtime):
        if not generations.build(runtime, now):
            time.sleep(0.02)
    with runtime.read() as session:
        is_ready = load_house(session).building is not None
    if is_ready:
        generations.switch(runtime, now)


def _is_being_built(runtime: Runtime) -> bool:
    with runtime.read() as session:
        return load_house(session).building is not None and generation_store.ready(session) is None
