"""What the files say that the database does not: the one list that planning shows and applying works off."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from nurture.content.campaign_files import CampaignFile, body_of, digest_of
from nurture.content.compile import version_of
from nurture.content.library import LAYOUTS, TemplateFile
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.services.files.reading import Files
from nurture.services.files.stored import Stored
from nurture.store.campaigns import ACTIVE, DRAFT, StoredCampaign
from nurture.store.documents import StoredDocument

NEW, CHANGED, REWORDED, SAME = "new", "changed", "reworded", "same"


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A settings file or a layout to be kept."""

    what: str
    document: StoredDocument

    @property
    def is_layout(self) -> bool:
        return self.document.name.startswith(f"{LAYOUTS}/")


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """A template of which a version is to be kept and made current."""

    what: str
    file: TemplateFile
    version_id: str


@dataclass(frozen=True, slots=True)
class CampaignChange:
    """A campaign to be kept: with a new version where its content changed, and started where it says so."""

    what: str
    file: CampaignFile
    digest: str
    stored: StoredCampaign | None
    starts: bool

    @property
    def definition(self) -> CampaignDefinition:
        return self.file.definition

    @property
    def path(self) -> str:
        """Where the file lies below the campaigns' directory."""
        return PurePosixPath(*PurePosixPath(self.file.path).parts[1:]).as_posix()


@dataclass(frozen=True, slots=True)
class Differences:
    """Everything that is to be done, in the order in which it is done."""

    documents: tuple[DocumentChange, ...]
    templates: tuple[TemplateChange, ...]
    campaigns: tuple[CampaignChange, ...]

    def changed_settings(self) -> frozenset[str]:
        """The settings files that mean something else than before."""
        return frozenset(
            change.document.name
            for change in self.documents
            if change.what in (NEW, CHANGED) and not change.is_layout
        )


def differences(files: Files, stored: Stored) -> Differences:
    """What is to be done; what only the database holds stays as it is."""
    return Differences(
        documents=(*_settings(files, stored), *_layouts(files, stored)),
        templates=tuple(_templates(files, stored)),
        campaigns=tuple(_campaigns(files, stored)),
    )


def _settings(files: Files, stored: Stored) -> Iterator[DocumentChange]:
    for name, file in files.design.settings.items():
        source, digest = file.sheet.source, digest_of(file.settings)
        document = StoredDocument(name, body_of(file.settings), source, digest)
        what = _compared(stored.documents.get(name), document)
        if what != SAME:
            yield DocumentChange(what, document)


def _layouts(files: Files, stored: Stored) -> Iterator[DocumentChange]:
    for layout in files.library.layouts:
        name = f"{LAYOUTS}/{layout.name}"
        digest = hashlib.sha256(layout.source.encode()).hexdigest()
        document = StoredDocument(name, {}, layout.source, digest)
        what = _compared(stored.documents.get(name), document)
        if what != SAME:
            yield DocumentChange(what, document)


def _compared(before: StoredDocument | None, after: StoredDocument) -> str:
    if before is None:
        return NEW
    if before.digest != after.digest:
        return CHANGED
    return SAME if before.source == after.source else REWORDED


def _templates(files: Files, stored: Stored) -> Iterator[TemplateChange]:
    for file in files.library.templates:
        before = stored.templates.get((file.slug, file.language))
        version_id = version_of(file)
        if before is None:
            yield TemplateChange(NEW, file, version_id)
        elif before.version_id != version_id:
            yield TemplateChange(CHANGED, file, version_id)


def _campaigns(files: Files, stored: Stored) -> Iterator[CampaignChange]:
    for file in files.design.campaigns:
        before = stored.campaigns.get(file.definition.slug)
        digest = digest_of(file.definition)
        starts = file.definition.status == ACTIVE and (before is None or before.status == DRAFT)
        change = CampaignChange(NEW, file, digest, before, starts)
        what = NEW if before is None else _compared_campaign(change, before)
        if what != SAME or starts:
            yield CampaignChange(what, file, digest, before, starts)


def _compared_campaign(change: CampaignChange, before: StoredCampaign) -> str:
    if before.digest != change.digest:
        return CHANGED
    return SAME if (before.source, before.path) == (change.file.sheet.source, change.path) else REWORDED


def entry_of(definition: Mapping[str, object] | None) -> str:
    """How leads get in, as text that is equal where it is the same."""
    return json.dumps((definition or {}).get("entry"), sort_keys=True)
