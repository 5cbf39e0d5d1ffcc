"""From the database to files: the same bytes that were applied, or readable text where there was no file."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from nurture.content.campaign_files import SETTINGS, dump
from nurture.content.library import LAYOUTS, SUFFIX
from nurture.domain.errors import InputError
from nurture.services.files.stored import Stored, load_stored
from nurture.services.files.values import Paths
from nurture.services.runtime import Runtime
from nurture.store.campaigns import StoredCampaign

OTHERS = "campaigns"
"""The folder of campaigns that belong to no stage and came from no file."""


def export(runtime: Runtime, directory: Paths) -> tuple[Path, ...]:
    """Write everything that the database holds; returns the files. Other files there stay as they are.

    Raises:
        InputError: a file cannot be written.
    """
    with runtime.read() as session:
        stored = load_stored(session)
    written: list[Path] = []
    for path, text in _texts(stored, directory):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        except OSError as error:
            raise InputError(
                f"{path} cannot be written: {error.strerror}. Choose another directory."
            ) from None
        written.append(path)
    return tuple(written)


def _texts(stored: Stored, directory: Paths) -> Iterator[tuple[Path, str]]:
    for name, document in stored.documents.items():
        if name.startswith(f"{LAYOUTS}/"):
            yield directory.templates / f"{name}{SUFFIX}", document.source or ""
        elif document.source is not None:
            yield directory.campaigns / f"{name}.yaml", document.source
        elif (settings := stored.settings(name)) is not None and name in SETTINGS:
            yield directory.campaigns / f"{name}.yaml", dump(settings)
    for (slug, language), template in stored.templates.items():
        variant = f".{language}" if language else ""
        yield directory.templates / f"{slug}{variant}{SUFFIX}", template.source
    for campaign in stored.campaigns.values():
        text = _campaign_text(stored, campaign)
        if text is not None:
            yield directory.campaigns / _place(stored, campaign), text


def _campaign_text(stored: Stored, campaign: StoredCampaign) -> str | None:
    if campaign.source is not None:
        return campaign.source
    definition = stored.definition(campaign.slug)
    return None if definition is None else dump(definition)


def _place(stored: Stored, campaign: StoredCampaign) -> PurePosixPath:
    """Where the campaign's file lies, never outside of the directory."""
    path = PurePosixPath(campaign.path or "")
    if path.parts and ".." not in path.parts and not path.is_absolute():
        return path
    definition = stored.definition(campaign.slug)
    folder = definition.stage.value if definition and definition.stage else OTHERS
    return PurePosixPath(folder) / f"{campaign.slug.replace('/', '-')}.yaml"
