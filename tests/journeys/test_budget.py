"""One budget of attention per lead, over all campaigns: what matters more goes first, the rest waits."""

from datetime import timedelta

from nurture.store.schema import Message
from tests.journeys.conftest import Begin, on_both
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY, HOUR, MINUTE, engagement, outcomes, stage
from tests.support.installation import Installation

ANA = "ana@example.com"
LEAD = {
    "email": ANA,
    "first_name": "Ana",
    "zone": "Europe/London",
    "company": "Valmor Pumps",
    "industry": "manufacturing",
    "company_size": "250-999",
    "country": "GB",
}
SPAN, MOST = timedelta(days=7), 2
"""What the shipped organisation.yaml allows."""


def most_within(house: Installation, address: str, span: timedelta) -> int:
    """The most marketing mails that went out within a span of time, wherever it is laid."""
    moments = [mail.at for mail in house.mails(address)]
    return max(sum(start <= moment < start + span for moment in moments) for start in moments)


@on_both
def test_no_lead_gets_more_than_the_budget_however_many_campaigns_want_it(begin: Begin) -> None:
    """Ana has had a welcome and a case study when her proposal is due: it waits until the week is over."""
    house = begin()
    house.add_leads(LEAD)
    house.work()
    house.advance(3 * HOUR)
    house.browser().click(house.mail(ANA))
    house.run_until_true(lambda: len(house.mails(ANA)) == 2, within=2 * DAY)
    house.advance(DAY)
    house.happens(ANA, "demo_requested")
    house.advance(HOUR)

    assert stage(house, ANA) == "decision"
    assert ("proposal", "later", "budget") in outcomes(house, ANA)
    assert len(house.mails(ANA)) == 2
    welcome_at = house.mail(ANA, 0).at
    house.advance(10 * DAY, calm_step=DAY)
    proposal = house.rows(Message, step="proposal")[0]
    assert (proposal.state, proposal.sent_at) == ("sent", welcome_at + SPAN)
    house.advance(40 * DAY, calm_step=DAY)

    assert len(house.mails(ANA)) >= 4
    assert most_within(house, ANA, SPAN) == MOST
    check_everything(house)


def test_when_two_letters_want_the_last_place_the_more_important_gets_it(begin: Begin) -> None:
    """A proposal (priority 90) and a case study (60) are due in the same tick; one place is left."""
    house = begin()
    house.add_leads({**LEAD, "lifecycle": "prospect", "stage": "interest"})
    house.work()
    house.run_until_true(lambda: len(house.mails(ANA)) == 1, within=3 * DAY)
    house.happens(ANA, "quote_requested")
    house.advance(2 * DAY)

    assert stage(house, ANA) == "decision"
    steps = [row.step for row in house.rows(Message, state="sent")]
    assert steps == ["studies", "proposal"]
    check_everything(house)


def test_less_often_gives_the_budget_twice_the_time(begin: Begin) -> None:
    house = begin()
    house.add_leads(LEAD)
    house.work()
    mail = house.mail(ANA)
    house.advance(HOUR)
    house.browser().click(mail)
    topics = ["newsletter", "product", "case_studies", "onboarding"]
    house.browser().post(mail.page("p"), {"topic": topics, "less_often": "on"})
    house.advance(45 * DAY, calm_step=DAY)

    assert len(house.mails(ANA)) >= 4
    assert most_within(house, ANA, 2 * SPAN) == MOST
    assert any(reason == "budget" for _, _, reason in outcomes(house, ANA))
    check_everything(house)


def test_a_lead_that_grows_warm_is_qualified_handed_over_and_written_a_proposal(begin: Begin) -> None:
    house = begin()
    house.add_leads(LEAD)
    house.work()
    house.advance(3 * HOUR)
    house.browser().click(house.mail(ANA))
    for _ in range(3):
        house.advance(DAY)
        house.happens(ANA, "asset_downloaded", asset="guide")
        house.happens(ANA, "page_visited", path="/pricing")
        house.advance(MINUTE)
    assert engagement(house, ANA) >= 40
    lead = house.lead(ANA)
    assert (lead.lifecycle, lead.stage, lead.fit) == ("prospect", "decision", "A")
    house.advance(5 * DAY, calm_step=DAY)

    assert "proposal" in [row.step for row in house.rows(Message, state="sent")]
    proposal = house.mail(ANA)
    assert proposal.message["From"].addresses[0].addr_spec == "marta@example.com"
    assert "Valmor Pumps" in proposal.text
    check_everything(house)
