"""Who says no is heard at once, in the middle of whatever is going on."""

from datetime import timedelta

from nurture.services.erase import erase
from nurture.store.schema import Enrollment, EventRow, Lead, Message, ReadPiece
from nurture.worker import tasks
from tests.journeys.conftest import Begin, on_both
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY, HOUR, engagement, outcomes, passages, pieces, subjects, told
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
TOPICS = ["newsletter", "product", "case_studies", "onboarding"]


def reading_case_studies(begin: Begin) -> Installation:
    """Ana clicked in her welcome; her first case study waits for its hour in the outbox."""
    house = begin()
    house.add_leads(LEAD)
    house.work()
    house.advance(8 * HOUR)
    house.browser().click(house.mail(ANA))
    house.advance(HOUR)
    assert pieces(house, ANA) == []
    return house


@on_both
def test_unsubscribing_in_mid_campaign_ends_it_at_once_and_for_good(begin: Begin) -> None:
    house = reading_case_studies(begin)
    assert engagement(house, ANA) == 8.0

    answer = house.browser("").post(house.mail(ANA).one_click, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    house.work()

    assert engagement(house, ANA) == 0.0, "what pages show is never below nothing"
    assert [entry["net"] for entry in told(house, ANA).score_entries] == [-25.0, 8.0]
    house.advance(30 * DAY, calm_step=DAY)
    assert len(house.mails(ANA)) == 1
    assert [message.state for message in house.rows(Message)] == ["sent"]
    check_everything(house)


@on_both
def test_what_lay_in_the_outbox_is_suppressed_and_its_piece_given_back(begin: Begin) -> None:
    house = begin()
    house.add_leads(LEAD)
    tasks.process(house.runtime)
    tasks.plan(house.runtime)
    (queued,) = house.rows(Message)
    assert queued.state == "pending"
    house.work()
    house.advance(8 * HOUR)
    house.browser().click(house.mail(ANA))
    house.advance(2 * timedelta(minutes=1))
    house.clock.set(house.now.replace(hour=9) + DAY)
    tasks.plan(house.runtime)
    assert [(row.piece, row.state) for row in house.rows(Message)][1:] == [
        ("case_studies/orrin-dale-castings", "pending")
    ]

    house.browser("").post(house.mail(ANA).one_click, {"List-Unsubscribe": "One-Click"})

    assert [row.state for row in house.rows(Message)] == ["sent", "suppressed"]
    assert house.rows(ReadPiece) == []
    house.advance(DAY)
    assert len(house.mails(ANA)) == 1
    assert ("studies", "suppressed", "unsubscribed") in outcomes(house, ANA)
    check_everything(house)


def test_who_comes_back_is_welcome_and_gets_no_piece_twice(begin: Begin) -> None:
    house = reading_case_studies(begin)
    house.advance(2 * DAY)
    assert pieces(house, ANA) == ["case_studies/orrin-dale-castings"]
    page = house.mail(ANA).page("p")
    house.browser().post(page, {"nothing": "1"})
    house.advance(10 * DAY, calm_step=DAY)
    assert len(house.mails(ANA)) == 2

    house.browser().post(page, {"topic": TOPICS})
    house.work()
    assert house.lead(ANA).mailable
    house.advance(30 * DAY, calm_step=DAY)

    assert [kind.kind for kind in house.rows(EventRow) if "subscribed" in kind.kind].count(
        "resubscribed"
    ) == 1
    read = pieces(house, ANA)
    assert len(read) == len(set(read))
    assert any(piece.startswith("newsletters/") for piece in read)
    check_everything(house)


def test_refusing_one_topic_ends_its_letters_and_no_others(begin: Begin) -> None:
    house = reading_case_studies(begin)
    house.browser().post(house.mail(ANA).page("p"), {"topic": ["newsletter", "product", "onboarding"]})

    house.advance(40 * DAY, calm_step=DAY)

    assert [piece.split("/")[0] for piece in pieces(house, ANA)] == ["newsletters"]
    check_everything(house)


def test_a_pause_of_thirty_days_is_kept_to_the_hour_and_then_it_goes_on(begin: Begin) -> None:
    house = reading_case_studies(begin)
    asked_at = house.now
    house.browser().post(house.mail(ANA).page("p"), {"topic": TOPICS, "pause": "on"})

    house.run_until(asked_at + 30 * DAY, calm_step=DAY)
    assert len(house.mails(ANA)) == 1
    house.advance(4 * DAY)
    assert len(house.mails(ANA)) > 1
    assert house.mails(ANA)[1].at >= asked_at + 30 * DAY
    check_everything(house)


@on_both
def test_an_erased_person_gets_nothing_more_and_is_found_nowhere(begin: Begin) -> None:
    house = reading_case_studies(begin)
    mail = house.mail(ANA)
    house.browser().read(mail)

    erase(house.runtime, ANA, house.now, "test")
    house.work()
    house.advance(20 * DAY, calm_step=DAY)

    assert house.mails() == []
    (lead,) = house.rows(Lead)
    assert (lead.address, lead.first_name, lead.mailable) == (None, None, False)
    assert {row.status for row in house.rows(Enrollment)} <= {"completed", "exited"}
    browser = house.browser()
    assert browser.get(mail.page("v")).status_code == 404
    assert browser.get(mail.page("p")).status_code == 404
    assert browser.post(mail.one_click, {"List-Unsubscribe": "One-Click"}).status_code == 200

    # A later import of the same person does not bring the mail back.
    house.add_leads(LEAD)
    house.advance(5 * DAY, calm_step=DAY)
    assert house.mails() == []
    assert subjects(house, ANA) == []
    assert passages(house, ANA) == []
