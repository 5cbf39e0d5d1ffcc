"""While a person talks to a lead, the machine is silent; afterwards it goes on where it was."""

from nurture.services.handoff import close_task
from nurture.store.schema import Lead, Task
from tests.journeys.conftest import Begin, on_both
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY, HOUR, engagement, pieces, stage
from tests.support.installation import START, Installation

ANA = "ana@example.com"
LEAD = {"email": ANA, "zone": "Europe/London", "country": "GB", "company": "Orla", "industry": "logistics"}


def answered(begin: Begin) -> Installation:
    """Ana answers her welcome the same afternoon."""
    house = begin(START - HOUR)
    house.add_leads(LEAD)
    house.work()
    house.advance(5 * HOUR)
    house.happens(ANA, "email_replied")
    house.work()
    return house


@on_both
def test_an_answer_silences_every_campaign_until_its_task_is_closed(begin: Begin) -> None:
    house = answered(begin)
    assert (engagement(house, ANA), stage(house, ANA)) == (20.0, "interest")
    (lead,) = house.rows(Lead)
    assert lead.conversation_since == house.now
    tasks = house.rows(Task)
    assert len(tasks) == 1

    house.advance(30 * DAY, calm_step=DAY)
    # The newsletter says that it goes on all the same; nothing else does.
    assert [piece.split("/")[0] for piece in pieces(house, ANA)] == ["newsletters"]
    assert len(house.mails(ANA)) == 2

    with house.runtime.write() as session:
        close_task(session, tasks[0].id, "answered", "test", house.now)
    house.advance(3 * DAY)
    assert pieces(house, ANA)[-1] == "case_studies/norvane-freight"
    check_everything(house)
