"""One newsletter a month, at nine where the reader is, whatever the clocks do meanwhile."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from nurture.store.schema import Fire
from tests.journeys.conftest import Begin, on_both
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY, HOUR, local, pieces
from tests.support.installation import Installation

HALF_AN_HOUR = timedelta(minutes=30)
"""The finest difference between the zones of our readers."""

READERS = {
    "hana@example.com": "Pacific/Auckland",
    "ana@example.com": "Europe/Lisbon",
    "ben@example.com": "America/New_York",
    "ravi@example.com": "Asia/Kolkata",
}
COUNTRIES = {"Pacific/Auckland": "NZ", "Europe/Lisbon": "PT", "America/New_York": "US", "Asia/Kolkata": "IN"}


def issues(house: Installation, *months: str) -> None:
    """Apply the shipped files with just these issues, as if the others were not written yet."""
    folder = house.directory / "email_templates" / "newsletters"
    if not folder.exists():
        house.copy_of_shipped()
    shipped = Path(__file__).parents[2] / "email_templates" / "newsletters"
    for path in folder.iterdir():
        path.unlink()
    for month in months:
        for path in shipped.glob(f"{month}*.mjml"):
            (folder / path.name).write_bytes(path.read_bytes())
    house.apply(house.directory / "campaigns", house.directory / "email_templates")


def subscribe(house: Installation) -> None:
    """Customers get the newsletter and nothing else: they are not welcomed."""
    house.add_leads(
        *(
            {"email": address, "zone": zone, "country": COUNTRIES[zone], "lifecycle": "customer"}
            for address, zone in READERS.items()
        )
    )


def newsletters(house: Installation, address: str) -> list[str]:
    """When the newsletters went out, on the reader's clock."""
    mails = [
        mail
        for mail in house.mails(address)
        if mail.message["List-Id"] and "newsletter" in mail.message["List-Id"]
    ]
    return [local(mail, READERS[address]) for mail in mails]


def month_turns(house: Installation, month: int, year: int = 2026) -> None:
    """Let time pass, quickly but around the first of the month, until all zones have had their day."""
    first = datetime(year, month, 1, tzinfo=UTC)
    house.run_until(first - 5 * HOUR, calm_step=DAY)
    house.run_until(first + 15 * HOUR, calm_step=HALF_AN_HOUR)
    house.run_until(first + 3 * DAY, calm_step=DAY)


def test_three_issues_in_four_zones_over_the_change_of_clocks_in_both_hemispheres(begin: Begin) -> None:
    """Auckland changes its clocks on 27 September, Lisbon on 25 October, New York on 1 November."""
    house = begin(datetime(2026, 9, 10, tzinfo=UTC), blank=True)
    issues(house, "2026-10")
    subscribe(house)
    month_turns(house, 10)
    issues(house, "2026-10", "2026-11")
    month_turns(house, 11)
    issues(house, "2026-10", "2026-11", "2026-12")
    month_turns(house, 12)

    # 1 November is a Sunday: the first working day after it. 1 December is a holiday in Portugal.
    expected = ["Thu 01 Oct 09:00", "Mon 02 Nov 09:00", "Tue 01 Dec 09:00"]
    assert newsletters(house, "hana@example.com") == expected
    assert newsletters(house, "ben@example.com") == expected
    assert newsletters(house, "ana@example.com") == [*expected[:2], "Wed 02 Dec 09:00"]
    assert newsletters(house, "ravi@example.com") == expected
    for address in READERS:
        assert pieces(house, address) == [f"newsletters/2026-{month}" for month in (10, 11, 12)]
    assert len([fire for fire in house.rows(Fire) if fire.status == "fired"]) == 3 * len(READERS)
    check_everything(house)


def test_a_month_without_a_new_issue_sends_none(begin: Begin) -> None:
    house = begin(datetime(2026, 9, 29, tzinfo=UTC), blank=True)
    issues(house, "2026-10")
    subscribe(house)
    month_turns(house, 10)
    month_turns(house, 11)

    for address in READERS:
        assert pieces(house, address) == ["newsletters/2026-10"]
    check_everything(house)


def test_a_machine_that_was_off_for_three_days_does_not_send_old_news_by_itself(begin: Begin) -> None:
    house = begin(datetime(2026, 9, 29, tzinfo=UTC), blank=True)
    issues(house, "2026-10")
    subscribe(house)
    house.work()

    house.clock.set(datetime(2026, 10, 4, 12, tzinfo=UTC))
    house.work()
    house.advance(DAY)

    assert house.mails() == []
    assert {fire.status for fire in house.rows(Fire)} == {"asks", "next"}


@on_both
def test_a_machine_that_was_off_for_an_hour_sends_an_hour_late(begin: Begin) -> None:
    house = begin(datetime(2026, 9, 29, tzinfo=UTC), blank=True)
    issues(house, "2026-10")
    subscribe(house)
    house.work()

    house.run_until(datetime(2026, 10, 1, 7, 30, tzinfo=UTC))
    house.clock.set(datetime(2026, 10, 1, 9, 30, tzinfo=UTC))
    house.work()

    assert newsletters(house, "ana@example.com") == ["Thu 01 Oct 10:30"]
    check_everything(house)
