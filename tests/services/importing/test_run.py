"""A file of leads goes in: once or twice, clean or full of mistakes."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from nurture.domain.errors import FileError, InputError
from nurture.domain.events import EventKind
from nurture.services.importing.run import (
    PORTION,
    ImportOrder,
    ImportReport,
    import_leads,
    import_suppressions,
    write_refused,
)
from nurture.services.runtime import Runtime
from nurture.store.leads import lead_views
from nurture.store.schema import (
    AuditEntry,
    Company,
    Consent,
    Document,
    EventRow,
    Inbox,
    LadderChange,
    Lead,
    Recheck,
)
from nurture.store.suppressions import NewSuppression, scopes_of, suppress


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    return tmp_path / "leads.csv"


def bring_in(
    runtime: Runtime, sheet: Path, text: str, consent: str | None = "web form", dry_run: bool = False
) -> ImportReport:
    sheet.write_text(text)
    return import_leads(runtime, ImportOrder(sheet, consent, dry_run), runtime.clock.now())


def count(runtime: Runtime, table: type) -> int:
    with runtime.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def lead_at(runtime: Runtime, address: str) -> Lead:
    with runtime.read() as session:
        lead = session.scalars(select(Lead).where(Lead.address == address)).one()
        session.expunge(lead)
        return lead


def test_a_row_becomes_a_lead_with_company_tags_ladders_consent_and_facts(
    runtime: Runtime, sheet: Path, now: datetime
) -> None:
    report = bring_in(
        runtime,
        sheet,
        "email,first_name,last_name,zone,tags,company,domain,industry,lifecycle,consent\n"
        "Ana@Example.com,Ana,Reis,Europe/Lisbon,fair;vip,Moinho,moinho.example,Food,prospect,card\n",
        consent=None,
    )
    assert (report.rows, report.created, report.updated, report.without_consent) == (1, 1, 0, 0)
    with runtime.read() as session:
        lead = session.scalars(select(Lead)).one()
        view = lead_views(session, [lead.id])[lead.id]
        assert view.company is not None
        assert (view.company.name, view.company.domain, view.company.industry) == (
            "Moinho", "moinho.example", "food",
        )  # fmt: skip
        assert (view.address, view.mailable, set(view.tags)) == ("ana@example.com", True, {"fair", "vip"})
        assert (view.lifecycle, view.lifecycle_since) == ("prospect", now)
        assert lead.search == "ana reis ana@example.com moinho"
        assert session.scalars(select(Consent.how)).all() == ["card"]
        assert session.scalars(select(LadderChange.to)).all() == ["prospect"]
        kinds = set(session.scalars(select(EventRow.kind)))
        assert kinds == {EventKind.IMPORTED, EventKind.CONSENT_GIVEN}
        assert session.scalar(select(func.count()).select_from(Inbox)) == 2
        assert session.scalar(select(Recheck.at)) == now


def test_without_consent_a_lead_is_there_and_is_not_mailed(runtime: Runtime, sheet: Path) -> None:
    report = bring_in(runtime, sheet, "email,consent\na@example.com,\nb@example.com,no\n", consent=None)
    assert report.without_consent == 2
    assert lead_at(runtime, "a@example.com").not_mailable_because == "no consent"


def test_a_row_that_says_no_is_not_overruled_by_what_is_said_for_the_file(
    runtime: Runtime, sheet: Path
) -> None:
    report = bring_in(runtime, sheet, "email,consent\na@example.com,\nb@example.com,no\n", consent="fair")
    assert report.without_consent == 1
    assert lead_at(runtime, "a@example.com").mailable
    assert not lead_at(runtime, "b@example.com").mailable


def test_importing_again_changes_nothing_but_what_the_file_says_anew(
    runtime: Runtime, sheet: Path, now: datetime
) -> None:
    text = "email,first_name,company,tags,lifecycle\na@example.com,Ana,ACME,fair,prospect\n"
    bring_in(runtime, sheet, text)
    before = {table: count(runtime, table) for table in (Lead, Company, Consent, LadderChange)}
    later = now + timedelta(days=1)
    report = import_leads(runtime, ImportOrder(sheet, "web form"), later)
    assert (report.created, report.updated) == (0, 1)
    assert {table: count(runtime, table) for table in before} == before
    sheet.write_text("email,last_name,lifecycle\na@example.com,Reis,customer\n")
    import_leads(runtime, ImportOrder(sheet), later)
    lead = lead_at(runtime, "a@example.com")
    assert (lead.first_name, lead.last_name, lead.lifecycle) == ("Ana", "Reis", "prospect")
    assert lead.search == "ana reis a@example.com acme"


def test_the_last_row_of_an_address_wins(runtime: Runtime, sheet: Path) -> None:
    report = bring_in(runtime, sheet, "email,first_name\na@example.com,Ann\nA@EXAMPLE.com,Ana\n")
    assert (report.rows, report.created, report.updated) == (2, 1, 0)
    assert lead_at(runtime, "a@example.com").first_name == "Ana"


def test_an_address_in_two_portions_is_counted_once(runtime: Runtime, sheet: Path) -> None:
    rows = [f"p{n}@example.com,P" for n in range(PORTION)] + ["p0@example.com,Last"]
    report = bring_in(runtime, sheet, "\n".join(["email,first_name", *rows]))
    assert (report.created, report.updated) == (PORTION, 0)
    assert lead_at(runtime, "p0@example.com").first_name == "Last"


def test_consent_never_lifts_an_unsubscribe(runtime: Runtime, sheet: Path, now: datetime) -> None:
    bring_in(runtime, sheet, "email\na@example.com\n")
    with runtime.write() as session:
        entry = NewSuppression("a@example.com", "marketing", "unsubscribe")
        suppress(session, [entry], runtime.hash_address, now)
    bring_in(runtime, sheet, "email,consent\na@example.com,said so again\n")
    assert lead_at(runtime, "a@example.com").not_mailable_because == "unsubscribe"


def test_companies_find_each_other_by_domain_and_by_name(runtime: Runtime, sheet: Path) -> None:
    bring_in(
        runtime,
        sheet,
        "email,company,domain,industry\n"
        "a@example.com,Straße AG,strasse.example,logistics\n"
        "b@example.com,STRASSE ag,,\n"
        "c@example.com,Straße AG,strasse.example,\n",
    )
    bring_in(runtime, sheet, "email,company,country\nd@example.com,strasse AG,DE\n")
    with runtime.read() as session:
        company = session.scalars(select(Company)).one()
        assert (company.name, company.industry, company.country) == ("Straße AG", "logistics", "DE")
        assert set(session.scalars(select(Lead.company_id))) == {company.id}


def test_a_company_known_by_its_domain_alone_gets_its_name_later(runtime: Runtime, sheet: Path) -> None:
    bring_in(runtime, sheet, "email,domain\na@example.com,acme.example\n")
    bring_in(runtime, sheet, "email,company,domain\nb@example.com,ACME,acme.example\n")
    with runtime.read() as session:
        assert session.scalars(select(Company.name)).all() == ["ACME"]


def test_what_is_said_of_a_company_without_a_name_is_kept_for_its_lead_alone(
    runtime: Runtime, sheet: Path
) -> None:
    rows = "email,industry,company_size\na@example.com,logistics,120\nb@example.com,health,3\n"
    bring_in(runtime, sheet, rows)
    bring_in(runtime, sheet, "email,industry\nb@example.com,software\n")
    with runtime.read() as session:
        companies = select(Lead.address, Company.name, Company.industry, Company.size).join(
            Company, Company.id == Lead.company_id
        )
        assert sorted(map(tuple, session.execute(companies))) == [
            ("a@example.com", "", "logistics", "50-249"),
            ("b@example.com", "", "software", "1-9"),
        ]


def test_a_country_alone_is_the_leads(runtime: Runtime, sheet: Path) -> None:
    bring_in(runtime, sheet, "email,country\na@example.com,PT\n")
    lead = lead_at(runtime, "a@example.com")
    assert (lead.country, lead.company_id) == ("PT", None)


def test_custom_fields_of_the_house_are_columns(runtime: Runtime, sheet: Path, now: datetime) -> None:
    field = {"name": "seats", "label": "Seats", "of": "lead", "type": "number"}
    with runtime.write() as session:
        body = {"schema": 1, "name": "House", "fields": [field]}
        session.add(Document(name="organisation", body=body, digest="d" * 64, updated_at=now))
    report = bring_in(runtime, sheet, "email,custom.seats,colour\na@example.com,12,red\n")
    assert report.ignored_columns == ("colour",)
    assert lead_at(runtime, "a@example.com").fields == {"seats": 12.0}


def test_two_thousand_bad_rows_stop_nobody(runtime: Runtime, sheet: Path, tmp_path: Path) -> None:
    bad = [f"nobody{n},=cmd()" for n in range(2000)]
    report = bring_in(runtime, sheet, "\n".join(["email,first_name", *bad, "a@example.com,Ana"]))
    assert (report.rows, report.created, len(report.refused)) == (2001, 1, 2000)
    write_refused(report, tmp_path / "refused.csv")
    with (tmp_path / "refused.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2000
    assert rows[0] | {"reason": ""} == {
        "line": "2", "reason": "", "email": "nobody0", "first_name": "'=cmd()",
    }  # fmt: skip
    assert "nobody0" in rows[0]["reason"]


def test_a_dry_run_judges_and_writes_nothing(runtime: Runtime, sheet: Path) -> None:
    bring_in(runtime, sheet, "email\nold@example.com\n")
    text = "email\nold@example.com\nnew@example.com\nNEW@example.com\nbad\n"
    report = bring_in(runtime, sheet, text, dry_run=True)
    assert (report.rows, report.created, report.updated, len(report.refused)) == (4, 1, 1, 1)
    assert count(runtime, Lead) == 1


def test_an_import_is_on_record_and_a_dry_run_is_not(runtime: Runtime, sheet: Path) -> None:
    bring_in(runtime, sheet, "email\nold@example.com\n", dry_run=True)
    bring_in(runtime, sheet, "email\nold@example.com\n")
    import_suppressions(runtime, sheet, runtime.clock.now())
    with runtime.read() as session:
        notes = session.execute(select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)).all()
    assert [tuple(note) for note in notes] == [
        ("leads-imported", "file:leads.csv"),
        ("suppressions-imported", "file:leads.csv"),
    ]


def test_a_wrong_file_changes_nothing(runtime: Runtime, sheet: Path) -> None:
    with pytest.raises(InputError):
        bring_in(runtime, sheet, "name\nAna\n")
    with pytest.raises(FileError):
        bring_in(runtime, sheet, "")
    assert count(runtime, Lead) == 0


def test_progress_is_told_after_every_portion(runtime: Runtime, sheet: Path) -> None:
    sheet.write_text("\n".join(["email", *(f"p{n}@example.com" for n in range(PORTION + 1))]))
    told: list[tuple[int, int]] = []
    import_leads(runtime, ImportOrder(sheet), runtime.clock.now(), lambda read, of: told.append((read, of)))
    assert told == [(PORTION, PORTION + 1), (PORTION + 1, PORTION + 1)]


def test_what_a_script_reads_names_lines_and_reasons_and_no_cells(runtime: Runtime, sheet: Path) -> None:
    told = bring_in(runtime, sheet, "email\nbad\n").as_json()
    assert told["refused"] == [{"line": 2, "reason": told["refused"][0]["reason"]}]  # type: ignore[index]
    assert told["rows"] == 1


def test_suppressions_come_in_with_their_reasons(runtime: Runtime, sheet: Path, now: datetime) -> None:
    bring_in(runtime, sheet, "email\na@example.com\nb@example.com\n")
    sheet.write_text(
        "E-Mail;Reason\nA@example.com;Unsubscribed\nb@example.com;spam\nc@example.com;\nbad;x\nd@x.org;e;f\n"
    )
    report = import_suppressions(runtime, sheet, now)
    assert (report.rows, report.created, len(report.refused)) == (5, 3, 2)
    with runtime.read() as session:
        assert scopes_of(session, "a@example.com", now) == {"marketing": "unsubscribe"}
        assert scopes_of(session, "b@example.com", now) == {"all": "complaint"}
        assert scopes_of(session, "c@example.com", now) == {"all": "manual"}
    assert lead_at(runtime, "a@example.com").not_mailable_because == "unsubscribe"


HOSTILE = st.sampled_from(
    ['"', ",", ";", "\n", "\r\n", "\t", "\x00", "a@example.com", "=1+1", "é", "\u202e", "no", "x" * 300]
)
FILES = st.lists(HOSTILE, max_size=30).map(
    lambda parts: ("email,first_name,consent\n" + "".join(parts)).encode()
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | FILES)
def test_any_file_is_imported_or_refused(runtime: Runtime, sheet: Path, raw: bytes) -> None:
    sheet.write_bytes(raw)
    try:
        report = import_leads(runtime, ImportOrder(sheet), runtime.clock.now())
    except InputError:
        return
    assert report.rows >= report.created + report.updated
    assert report.as_json()["file"] == "leads.csv"
