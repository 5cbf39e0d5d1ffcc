"""No campaign starts that must not send."""

from collections.abc import Iterator

from nurture.config import Settings
from nurture.domain.checks import hindrances
from nurture.domain.definition.organisation import DEFAULT_IDENTITY, Organisation
from nurture.domain.errors import FileError, NotFound, Problem
from nurture.services.files.differences import differences
from nurture.services.files.reading import Files
from nurture.services.files.stored import Stored
from nurture.services.identities import writer_of


def refuse_unready(settings: Settings, files: Files, stored: Stored) -> None:
    """Make sure that every campaign that would start may send.

    Raises:
        FileError: one may not; each with what it lacks.
    """
    addresses = postal_addresses(settings, files.catalogue.organisation)
    problems = [
        Problem(change.file.path, change.file.sheet.line(("status",)), "status", f"It cannot start. {why}")
        for change in differences(files, stored).campaigns
        if change.starts
        for why in hindrances(change.definition, addresses)
    ]
    if problems:
        raise FileError(*problems)


def postal_addresses(settings: Settings, organisation: Organisation) -> dict[str, str]:
    """The postal address of everybody whom mails can be from."""
    return dict(_addresses(settings, organisation))


def _addresses(settings: Settings, organisation: Organisation) -> Iterator[tuple[str, str]]:
    for slug in {DEFAULT_IDENTITY, *(identity.slug for identity in organisation.identities)}:
        try:
            yield slug, writer_of(organisation, settings, slug).postal_address
        except NotFound:
            continue
