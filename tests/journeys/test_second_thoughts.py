"""What was taken for a person turns out to have been a machine: the score goes back, nothing else does."""

from datetime import UTC, datetime, timedelta

from nurture.domain.engagement import HitKind
from nurture.store.hits import NewHit, record_hits
from nurture.store.schema import EventRow, ScoreEntry, VerdictChange
from tests.journeys.conftest import Begin, on_both
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY, HOUR, MINUTE, engagement, pieces, stage
from tests.support.installation import PERSON, Installation

ANA = "ana@example.com"
SECOND = timedelta(seconds=1)


def clicked(begin: Begin) -> Installation:
    house = begin()
    house.add_leads(
        {"email": ANA, "zone": "Europe/London", "company": "Orla Freight", "industry": "logistics"}
    )
    house.work()
    house.advance(3 * HOUR)
    house.browser(ip="198.51.100.7").click(house.mail(ANA))
    house.advance(MINUTE)
    assert (engagement(house, ANA), stage(house, ANA)) == (8.0, "interest")
    return house


@on_both
def test_a_burst_that_is_known_only_later_takes_the_points_back(begin: Begin) -> None:
    """The rest of the scanner's requests lay in the spool while the database was away."""
    house = clicked(begin)
    message = house.message_id(house.mail(ANA, 0))
    late = [
        NewHit(message, kind, "GET", house.now - MINUTE + SECOND, ip="198.51.100.7", user_agent=PERSON)
        for kind in (HitKind.UNSUBSCRIBE_PAGE, HitKind.VIEW_PAGE)
    ]
    with house.runtime.write() as session:
        record_hits(session, late)
    house.advance(2 * SECOND)

    assert engagement(house, ANA) == 0.0
    assert [entry.net for entry in house.rows(ScoreEntry)] == [8.0, -8.0]
    (click,) = house.rows(EventRow, kind="email_clicked")
    assert click.verdict == "machine"
    assert [change.verdict for change in house.rows(VerdictChange, event_id=click.id)] == ["human", "machine"]
    check_everything(house)

    # What was begun because of it goes on: the lead stands where it stood, and what was sent stays sent.
    assert stage(house, ANA) == "interest"
    house.advance(2 * DAY)
    assert pieces(house, ANA) == ["case_studies/norvane-freight"]
    check_everything(house)


def test_a_machine_never_scores_never_branches_and_never_wakes(begin: Begin) -> None:
    """Scanners look at every mail of the welcome; nobody ever reads it, so the quiet branch is taken."""
    house = begin()
    house.add_leads({"email": ANA, "zone": "Europe/London"})
    house.work()
    seen = 0
    while house.now < datetime(2026, 10, 30, tzinfo=UTC):
        for mail in house.mails(ANA)[seen:]:
            seen += 1
            for url in (mail.pixel, *mail.clicks, mail.page("u"), mail.page("v")):
                house.scanner().head(url)
                house.scanner().get(url)
        house.advance(DAY, calm_step=DAY)

    assert engagement(house, ANA) == 0.0
    assert house.rows(ScoreEntry) == []
    assert stage(house, ANA) == "awareness"
    assert house.lead(ANA).mailable
    assert "quiet" in house.lead(ANA).tags
    assert {event.verdict for event in house.rows(EventRow) if event.verdict} == {"machine"}
    check_everything(house)
