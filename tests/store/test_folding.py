"""Folded columns follow the text they fold, whichever way a row is written."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, insert, select, text, update

from nurture.store.base import reading, writing
from nurture.store.folding import with_folded
from nurture.store.schema import Company, Lead

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
STAMPS: dict[str, Any] = {"created_at": NOW, "updated_at": NOW}


def test_a_bulk_insert_folds_every_row(engine: Engine) -> None:
    rows = [{"id": 1, "first_name": "ÉLODIE", **STAMPS}, {"id": 2, "first_name": None, **STAMPS}]
    with writing(engine) as session:
        session.execute(insert(Lead), rows)
        session.execute(insert(Company).values([{"name": "Straße"} | STAMPS, {"name": "ACME"} | STAMPS]))
    with reading(engine) as session:
        assert session.scalars(select(Lead.first_name_folded).order_by(Lead.id)).all() == ["élodie", ""]
        assert session.scalars(select(Company.name_folded).order_by(Company.id)).all() == ["strasse", "acme"]


def test_an_object_folds_what_it_is_given(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(lead := Lead(last_name="Ångström", **STAMPS))
        session.add(company := Company(name="ACME", **STAMPS))
        session.flush()
        lead.last_name = "ŠKODA"
        company.name = "Émile"
    with reading(engine) as session:
        assert session.scalar(select(Lead.last_name_folded)) == "škoda"
        assert session.scalar(select(Lead.first_name_folded)) == ""
        assert session.scalar(select(Company.name_folded)) == "émile"


def test_an_update_statement_takes_its_twins_along(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(Lead(first_name="Ana", last_name="Reis", **STAMPS))
        session.flush()
        session.execute(
            update(Lead).values(with_folded({"first_name": "ÉVA", "last_name": None, "zone": "UTC"}))
        )
    with reading(engine) as session:
        row = session.execute(select(Lead.first_name_folded, Lead.last_name_folded, Lead.zone)).one()
        assert tuple(row) == ("éva", "", "UTC")


def test_an_industry_is_kept_and_found_folded(engine: Engine) -> None:
    with writing(engine) as session:
        session.add_all([Company(industry="LOGISTIK", **STAMPS), Company(industry=None, **STAMPS)])
    with reading(engine) as session:
        assert session.scalar(select(Company.industry).where(Company.industry == "Logistik")) == "logistik"


def test_custom_fields_come_back_as_they_were_written(engine: Engine) -> None:
    fields = {"role": "Éditeur", "seats": 12, "trial": True, "note": None}
    with writing(engine) as session:
        session.add_all([Lead(id=1, fields=fields, **STAMPS), Lead(id=2, **STAMPS)])
    with reading(engine) as session:
        assert session.scalars(select(Lead.fields).order_by(Lead.id)).all() == [fields, {}]
        assert "éditeur" in _stored_text(session.scalar(text("SELECT fields FROM lead WHERE id = 1")))


def _stored_text(stored: object) -> str:
    return str(stored).encode().decode("unicode_escape") if isinstance(stored, str) else str(stored)
