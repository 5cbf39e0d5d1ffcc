"""Whom mails are from: the organisation's word, unless the settings say otherwise."""

from pathlib import Path

import pytest

from nurture.domain.definition.organisation import UNNAMED, Organisation
from nurture.domain.errors import NotFound
from nurture.services.identities import Writer, writer_of
from tests.support.post import ORGANISATION
from tests.support.runtimes import settings_for

HOUSE = Organisation.model_validate(ORGANISATION)
SALES = {"slug": "sales", "name": "Sales", "email": "sales@example.com", "postal_address": "Bristol"}
BOTH = Organisation.model_validate({**ORGANISATION, "identities": [*ORGANISATION["identities"], SALES]})


def test_the_organisation_s_identity_writes(tmp_path: Path) -> None:
    writer = writer_of(HOUSE, settings_for(tmp_path), "default")

    assert writer == Writer("Clara Whitfield", "clara@example.com", "14 Harbour Walk, Bristol")


def test_the_settings_take_the_place_of_the_default_identity_alone(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, **{"from": "Ana Reis <ana@example.net>"}, postal_address="Lisbon")

    assert writer_of(BOTH, settings, "default") == Writer("Ana Reis", "ana@example.net", "Lisbon")
    assert writer_of(BOTH, settings, "sales") == Writer("Sales", "sales@example.com", "Bristol")


def test_the_settings_suffice_where_no_organisation_was_applied(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, **{"from": "ana@example.net"})

    assert writer_of(UNNAMED, settings, "default") == Writer("Our organisation", "ana@example.net")


@pytest.mark.parametrize(
    ("slug", "advice"), [("default", "NURTURE_FROM"), ("press", "Add it to organisation.yaml.")]
)
def test_an_identity_that_is_not_there_is_named(slug: str, advice: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=advice):
        writer_of(UNNAMED, settings_for(tmp_path), slug)
