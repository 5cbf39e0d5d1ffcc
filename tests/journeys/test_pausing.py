"""A campaign that is paused stands still, and goes on in the way its operator says."""

from datetime import timedelta

import pytest

from nurture.services import campaigns_run
from nurture.services.campaigns_run import ResumeMode
from nurture.services.switches import go, stop
from nurture.store.schema import Message
from nurture.worker import tasks
from tests.journeys.conftest import Begin, on_both
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY, HOUR, local, passages
from tests.support.installation import START, Installation

ANA, BEN = "ana@example.com", "ben@example.com"
LONDON = "Europe/London"


def welcomed(begin: Begin) -> Installation:
    """Ana got her first letter on Monday at nine; the second would go out on Thursday at ten."""
    house = begin(START - HOUR)
    house.add_leads({"email": ANA, "zone": LONDON, "country": "GB"})
    house.work()
    return house


def times(house: Installation) -> list[str]:
    return [local(mail, LONDON) for mail in house.mails(ANA)]


def test_without_a_pause_the_second_letter_goes_out_on_thursday(begin: Begin) -> None:
    house = welcomed(begin)
    house.advance(5 * DAY, calm_step=DAY)
    assert times(house) == ["Mon 05 Oct 09:00", "Thu 08 Oct 10:00"]


@on_both
@pytest.mark.parametrize(
    ("mode", "second"),
    [
        # Two and a half of three days were left of the wait when it was paused; they are left after it too.
        ("shift", "Wed 21 Oct 10:00"),
        # The wait ended during the pause: on we go at the next Tuesday, Wednesday or Thursday at ten.
        ("send_now", "Tue 20 Oct 10:00"),
        # What would have gone out during the pause does not; the letter after it does.
        ("skip", "Tue 20 Oct 10:00"),
    ],
)
def test_a_pause_freezes_waits_and_resuming_says_how_they_go_on(
    begin: Begin, mode: ResumeMode, second: str
) -> None:
    house = welcomed(begin)
    house.advance(DAY / 2)
    campaigns_run.pause(house.runtime, "welcome", house.now, "test")

    house.advance(13 * DAY, calm_step=DAY)
    assert times(house) == ["Mon 05 Oct 09:00"]
    assert [passage.status for passage in passages(house, ANA)] == ["paused"]

    campaigns_run.resume(house.runtime, "welcome", mode, house.now, "test")
    house.advance(5 * DAY, calm_step=DAY)
    assert times(house)[1:2] == [second]
    assert [passage.status for passage in passages(house, ANA)] == ["active"]
    check_everything(house)


def test_what_was_queued_when_the_campaign_was_paused_stays_and_goes_out_after(begin: Begin) -> None:
    house = begin()
    house.add_leads({"email": ANA, "zone": LONDON})
    tasks.process(house.runtime)
    tasks.plan(house.runtime)
    campaigns_run.pause(house.runtime, "welcome", house.now, "test")

    house.advance(2 * DAY, calm_step=DAY)
    assert house.mails() == []
    assert [message.state for message in house.rows(Message)] == ["pending"]

    campaigns_run.resume(house.runtime, "welcome", "shift", house.now, "test")
    house.work()
    assert len(house.mails(ANA)) == 1
    check_everything(house)


def test_the_stop_switch_holds_everything_and_loses_nothing(begin: Begin) -> None:
    house = begin()
    stop(house.runtime, house.now, "test", "wrong price in the letter")
    house.add_leads({"email": ANA, "zone": LONDON}, {"email": BEN, "zone": LONDON})

    house.advance(DAY, calm_step=HOUR)
    assert house.mails() == []
    assert [message.state for message in house.rows(Message)] == ["pending", "pending"]

    go(house.runtime, house.now, "test")
    house.work()
    assert sorted(mail.to for mail in house.mails()) == [ANA, BEN]
    check_everything(house)


def test_stopping_a_campaign_ends_it_for_everybody(begin: Begin) -> None:
    house = welcomed(begin)
    campaigns_run.stop(house.runtime, "welcome", house.now, "test")

    house.advance(10 * DAY, calm_step=DAY)

    assert len(house.mails(ANA)) == 1
    assert [(row.status, row.reason) for row in passages(house, ANA)] == [("exited", "campaign_stopped")]
    check_everything(house)


def test_an_edited_campaign_is_finished_by_those_under_way_as_they_began_it(begin: Begin) -> None:
    house = welcomed(begin)
    paths = house.copy_of_shipped()
    welcome = paths.campaigns / "awareness" / "welcome.yaml"
    second = "send: {template: letters/welcome-2}"
    assert second in welcome.read_text()
    welcome.write_text(welcome.read_text().replace(second, "send: {template: letters/welcome-quieter}"))
    house.apply(paths.campaigns, paths.templates)
    house.add_leads({"email": BEN, "zone": LONDON, "country": "GB"})
    house.advance(timedelta(days=4), calm_step=DAY)

    assert [len(house.mails(address)) for address in (ANA, BEN)] == [2, 2]
    assert house.mail(ANA, 0).subject == house.mail(BEN, 0).subject
    assert house.mail(ANA).subject != house.mail(BEN).subject
    (anas,), (bens,) = passages(house, ANA), passages(house, BEN)
    assert anas.version_id != bens.version_id
    check_everything(house)
