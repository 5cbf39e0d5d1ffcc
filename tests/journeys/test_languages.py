"""Each reader in their own language, as far as the letters speak it, from the subject to the last page."""

import pytest

from tests.journeys.conftest import Begin
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY

SUBJECTS = {
    "en": "The one number to know before you change anything",
    "fr": "Le seul chiffre à connaître avant de changer quoi que ce soit",
    "pt": "O único número a conhecer antes de mudar seja o que for",
}


@pytest.mark.parametrize(
    ("language", "speaks"),
    [("en", "en"), ("fr", "fr"), ("fr-CA", "fr"), ("pt", "pt"), ("pt-BR", "pt"), ("de", "en"), ("", "en")],
)
def test_the_welcome_speaks_the_readers_language(begin: Begin, language: str, speaks: str) -> None:
    house = begin()
    house.add_leads({"email": "ana@example.com", "language": language, "first_name": "Chloé"})
    house.work()
    mail = house.mail("ana@example.com")

    assert mail.subject == SUBJECTS[speaks]
    assert f'lang="{speaks}"' in mail.html
    browser = house.browser()
    pages = [browser.get(mail.page("p")), browser.get(mail.page("u")), browser.post(mail.page("u"))]
    assert [f'<html lang="{speaks}"' in page.text for page in pages] == [True, True, True]


@pytest.mark.parametrize("language", ["fr", "pt"])
def test_a_whole_campaign_in_one_language(begin: Begin, language: str) -> None:
    house = begin()
    lead = {"email": "ana@example.com", "language": language, "zone": "Europe/Paris", "industry": "logistics"}
    house.add_leads({**lead, "company": "Maison Lune", "company_size": "50-249", "country": "FR"})
    house.work()
    house.advance(DAY / 3)
    house.browser().read(house.mail("ana@example.com"))
    house.browser().click(house.mail("ana@example.com"))
    house.advance(40 * DAY, calm_step=DAY)

    mails = house.mails("ana@example.com")
    assert len(mails) >= 5
    assert {f'lang="{language}"' in mail.html for mail in mails} == {True}
    assert not any(word in mail.text for mail in mails for word in ("Unsubscribe", "unsubscribe here"))
    check_everything(house)
