"""A lead's name may hold anything; the mail, its headers and every page stay ours."""

import re

import pytest
from sqlalchemy import select

from nurture.store.schema import Company, Lead, Message
from tests.journeys.conftest import Begin, on_both
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY
from tests.support.installation import Installation, Mail

HEADERS = [
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Feedback-ID",
    "Precedence",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]
NAMES = {
    "an encoded word that breaks the line": "=?UTF-8?Q?=0A?=Bcc: x@y.example",
    "a header": "Ana\r\nBcc: x@y.example\r\n\r\n<b>body</b>",
    "a bare line feed": "Ana\nX-Evil: 1",
    "a template": "{{ 7*7 }}{% for x in range(9) %}{{ lead.email }}{% endfor %}",
    "a template's config": "{{ config }}{{ ''.__class__.__mro__ }}",
    "a script": "<script>alert(1)</script>",
    "an attribute's end": '"><img src=x onerror=alert(1)>',
    "zero": "A\x00na",
    "right to left": "\u202eanA\u2066\u200f",
    "line separators": "Ana\u2028Bcc: x@y.example\u2029",
    "no letter at all": "\u200b\ufeff\u0000",
    "commas and brackets": 'Reis, Ana <boss@bank.example>; "x"',
    "emoji": "👩🏽‍🚀 Ana",
    "64 kB": "A" * 65536,
    "a formula": "=cmd|' /C calc'!A0",
    "a mask of ours": "⟦1⟧ NURTURE-MASK-1 <!-- slot -->",
}


def welcome(begin: Begin, name: str) -> tuple[Installation, Mail]:
    """Whatever the doors refuse, the worst that a column can hold is there when the mail is written."""
    house = begin()
    house.add_leads({"email": "ana@example.com", "zone": "Europe/London", "company": "Valmor"})
    kept = name.replace("\x00", "") if house.runtime.engine.dialect.name == "postgresql" else name
    with house.runtime.write() as session:
        lead, company = session.scalars(select(Lead)).one(), session.scalars(select(Company)).one()
        lead.first_name = lead.last_name = company.name = kept
        company.industry = kept[:100]
    house.work()
    return house, house.mail("ana@example.com")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_headers_and_body_are_ours_whatever_the_name(begin: Begin, name: str) -> None:
    house, mail = welcome(begin, name)

    assert mail.message.keys() == HEADERS
    assert mail.message.defects == []
    assert [address.addr_spec for address in mail.message["To"].addresses] == ["ana@example.com"]
    assert [address.addr_spec for address in mail.message["From"].addresses] == ["clara@example.com"]
    for evil in ("x@y.example", "X-Evil"):
        assert not any(evil in str(value) and "\n" in str(value) for value in mail.message.values())
    assert "<script" not in mail.html
    assert "<img src=x" not in mail.html
    assert "__class__" not in mail.html or "{{" in mail.html
    assert not re.search("[\x00\u202a-\u202e\u2066-\u2069]", mail.html + mail.text + mail.subject)
    assert max(map(len, bytes(mail.message).split(b"\n"))) <= 999
    assert house.browser().get(mail.page("v")).text == mail.html.replace("\r\n", "\n")
    for page in ("u", "p"):
        answer = house.browser().get(mail.page(page))
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "onerror=alert(1)>" not in answer.text
    check_everything(house)


def test_a_name_is_never_a_template(begin: Begin) -> None:
    house, mail = welcome(begin, "{{ 7*7 }}")
    assert "49" not in mail.subject
    assert "{{ 7*7 }}" in mail.subject + mail.text
    house.close()


@on_both
def test_a_csv_of_everything_at_once_is_imported_and_mailed(begin: Begin) -> None:
    """Latin-1, semicolons, a line feed in a cell, an address twice, a bad one, and 200 columns."""
    house = begin()
    spare = ";".join(f"extra {number}" for number in range(190))
    header = f"E-Mail;first_name;language;zone;tags;{spare}\n"
    rows = [
        'ÄNA@EXAMPLE.COM;"Ána\nReis";pt;Europe/Lisbon;a|b',
        "ana2@example.com;José;fr;Nowhere/Atall;",
        "not an address;X;;;",
        "ben@exämple.com;Ben;en;;",
        "äna@example.com;Again;;;",
    ]
    csv = (header.replace("E-Mail", "email") + "\n".join(rows) + "\n").encode("latin-1")

    report = house.import_csv(csv, consent="web form")
    house.work()
    house.advance(DAY)

    assert report.rows == 5
    assert any("not an address" in row.cells.get("email", "") for row in report.refused)
    assert {lead.address for lead in house.rows(Lead)} >= {"ben@xn--exmple-cua.com"}
    assert {message.state for message in house.rows(Message)} <= {"sent", "failed"}
    check_everything(house)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_csv_with_such_a_name_is_imported_or_its_row_refused_with_a_reason(begin: Begin, name: str) -> None:
    house = begin()
    cell = '"' + name.replace('"', '""') + '"'
    csv = f"email,first_name,company\nana@example.com,{cell},{cell}\nben@example.com,Ben,Valmor\n"

    report = house.import_csv(csv.encode(), consent="web form")
    house.work()

    assert report.created + len(report.refused) == 2
    assert all(row.reason for row in report.refused)
    assert house.mails("ben@example.com")
    check_everything(house)


@on_both
def test_a_template_that_fails_for_one_lead_fails_its_message_alone(begin: Begin) -> None:
    """A link that holds a name eight times becomes too long with Ben's."""
    house = begin()
    paths = house.copy_of_shipped()
    letter = paths.templates / "letters" / "welcome-1.mjml"
    path = "/{{ lead.first_name }}" * 8
    link = f'<a href="https://www.example.com{path}">yours</a>'
    letter.write_text(letter.read_text().replace("</mj-text>", f" {link}</mj-text>", 1))
    house.apply(paths.campaigns, paths.templates)
    house.add_leads({"email": "ana@example.com", "first_name": "Ana Zoë"}, {"email": "ben@example.com"})
    with house.runtime.write() as session:
        session.get_one(Lead, house.lead_id("ben@example.com")).first_name = "é" * 2000
    house.work()

    (ana,) = house.mails()
    targets = [house.browser().click(ana, number) for number in range(len(ana.clicks))]
    assert f"https://www.example.com{'/Ana%20Zo%C3%AB' * 8}" in targets
    sent, failed = house.rows(Message, state="sent"), house.rows(Message, state="failed")
    assert (len(sent), len(failed)) == (1, 1)
    assert "welcome-1" in str(failed[0].error)
    check_everything(house)
