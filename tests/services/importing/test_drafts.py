"""A row of text becomes a lead, or says which cell is wrong and why."""

from typing import Any

import pytest

from nurture.domain.definition.organisation import CustomField
from nurture.domain.errors import InputError
from nurture.services.importing.drafts import Columns, LeadDraft, draft, understand
from nurture.services.importing.table import Row

CUSTOM = (
    CustomField(name="role", label="Role", type="choice", choices=("Finance", "Operations")),
    CustomField(name="seats", label="Seats", of="company", type="number"),
    CustomField(name="trial", label="Trial", type="boolean"),
    CustomField(name="renewal", label="Renewal", type="date"),
    CustomField(name="remark", label="Remark", type="text"),
)


def drafted(**cells: str) -> LeadDraft:
    cells = {"email": "ana@example.com", **cells}
    return draft(Row(2, cells), understand(tuple(cells), CUSTOM))


def refusal(**cells: str) -> str:
    with pytest.raises(InputError) as caught:
        drafted(**cells)
    return str(caught.value)


def meanings(*header: str) -> Columns:
    return understand(header, CUSTOM)


def test_headers_of_other_programs_are_understood() -> None:
    columns = meanings(
        "e-mail address", "first name", "surname", "website", "employees", "favourite colour", ""
    )
    assert dict(columns.meaning) == {
        "e-mail address": "email",
        "first name": "first_name",
        "surname": "last_name",
        "website": "domain",
        "employees": "company_size",
    }
    assert columns.ignored == ("favourite colour",)


def test_fields_may_carry_the_names_they_have_in_conditions() -> None:
    columns = meanings("lead.email", "company.industry", "custom.role", "seats")
    assert set(columns.meaning.values()) == {"email", "industry", "role", "seats"}


def test_a_column_with_the_very_name_goes_before_one_that_is_called_so_elsewhere() -> None:
    columns = meanings("address", "email")
    assert columns.meaning == {"email": "email"}
    assert columns.ignored == ("address",)


def test_two_columns_with_one_meaning_are_refused_by_name() -> None:
    with pytest.raises(InputError, match='all mean "email": e-mail, mail'):
        meanings("e-mail", "mail")


def test_without_addresses_the_header_is_shown() -> None:
    with pytest.raises(InputError, match="the header has: name, phone"):
        meanings("name", "phone")


def test_a_row_becomes_a_lead_and_its_company() -> None:
    lead = drafted(
        email=" Ana.Reis@Example.COM ",
        first_name="Ana",
        last_name="Reis",
        language="pt_BR",
        zone="Europe/Lisbon",
        tags="fair; webinar,fair",
        lifecycle="Former customer",
        stage="Interest",
        consent="card at the fair",
        company="Moinho & Filhos",
        domain="https://www.moinho.example/pt?x=1",
        industry="Manufacturing",
        company_size="1,200",
        country="uk",
    )
    assert lead.address == "ana.reis@example.com"
    assert lead.values == {
        "first_name": "Ana",
        "last_name": "Reis",
        "language": "pt-br",
        "zone": "Europe/Lisbon",
        "country": "GB",
    }
    assert lead.tags == ("fair", "webinar")
    assert (lead.lifecycle, lead.stage, lead.consent) == ("former_customer", "interest", "card at the fair")
    assert lead.company is not None
    assert (lead.company.name, lead.company.domain) == ("Moinho & Filhos", "moinho.example")
    assert lead.company.values == {"industry": "manufacturing", "size": "1000+", "country": "GB"}


def test_empty_cells_leave_everything_open() -> None:
    lead = drafted(first_name="", company="", lifecycle="", consent="")
    assert lead == LeadDraft("ana@example.com", {}, {})


@pytest.mark.parametrize("word", ["no", "No", "FALSE", "0", "não", "-"])
def test_a_column_of_consent_may_say_no(word: str) -> None:
    assert drafted(consent=word).consent == ""


@pytest.mark.parametrize(
    ("size", "band"),
    [
        ("1", "1-9"),
        ("9", "1-9"),
        ("10", "10-49"),
        ("49", "10-49"),
        ("50", "50-249"),
        ("249", "50-249"),
        ("250", "250-999"),
        ("999", "250-999"),
        ("1000", "1000+"),
        ("12 500", "1000+"),
        ("250 – 999", "250-999"),
        ("10-49", "10-49"),
    ],
)
def test_a_number_of_people_is_folded_into_its_band(size: str, band: str) -> None:
    company = drafted(company="X", company_size=size).company
    assert company is not None
    assert company.values["size"] == band


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("role", "finance", "Finance"),
        ("trial", "YES", True),
        ("trial", "0", False),
        ("renewal", "2026-12-01", "2026-12-01"),
        ("remark", "anything\nat all", "anything\nat all"),
    ],
)
def test_custom_fields_take_their_type(name: str, text: str, value: Any) -> None:
    assert drafted(**{name: text}).fields == {name: value}


def test_a_custom_field_of_the_company_goes_there() -> None:
    lead = drafted(company="X", seats="12,5")
    assert lead.fields == {}
    assert lead.company is not None
    assert lead.company.fields == {"seats": 12.5}


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"email": ""}, "no address"),
        ({"email": "ana at example.com"}, '"ana at example.com" is not an e-mail address'),
        ({"first_name": "x" * 65_536}, "first_name is 65536 characters long; at most 200"),
        ({"language": "English"}, 'language "English"'),
        ({"zone": "Lisbon"}, 'zone "Lisbon"'),
        ({"zone": "../../etc/passwd"}, 'zone "../../etc/passwd"'),
        ({"country": "Portugal"}, "two-letter code"),
        ({"lifecycle": "friend"}, "none of suspect, lead, prospect"),
        ({"stage": "4"}, "none of awareness"),
        ({"domain": "not a domain"}, 'domain "not a domain"'),
        ({"domain": "xn--zzzzzzzz.example"}, "is not a domain"),
        ({"tags": "x" * 101}, "tags is 101 characters"),
        ({"role": "Sales"}, r"one of Finance, Operations"),
        ({"company": "X", "seats": "nan"}, 'seats "nan" is not a number'),
        ({"company": "X", "seats": "1e999"}, "is not a number"),
        ({"trial": "perhaps"}, "is not a boolean"),
        ({"renewal": "1 Dec"}, "is not a date"),
    ],
)
def test_a_wrong_cell_is_named_with_its_value(cells: dict[str, str], said: str) -> None:
    assert said in refusal(**cells)


def test_control_characters_are_dropped_and_everything_else_is_kept() -> None:
    odd = "=?UTF-8?Q?=0A?=Bcc: x@y {{ 7*7 }} <script> \u202e"
    lead = drafted(first_name=f"\x1b[31m{odd}\x00")
    assert lead.values["first_name"] == f"[31m{odd}"


def test_a_row_that_could_not_be_read_is_refused_with_its_fault() -> None:
    with pytest.raises(InputError, match="The row has 2 cells more"):
        draft(Row(3, {"email": "a@example.com"}, "has 2 cells more"), meanings("email"))


def test_companies_are_told_apart_by_domain_and_else_by_folded_name() -> None:
    by_domain = drafted(company="ACME", domain="acme.example").company
    by_name = drafted(company="STRASSE").company
    same = drafted(company="Straße").company
    assert by_domain is not None
    assert by_domain.key == "acme.example"
    assert by_name is not None
    assert same is not None
    assert by_name.key == same.key
