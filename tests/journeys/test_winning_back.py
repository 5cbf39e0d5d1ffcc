"""Former customers: three months after they left, four in five are written to, and one in five never."""

from datetime import timedelta

from nurture.store.schema import Enrollment, Message
from tests.journeys.conftest import Begin, on_both
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY, passages, told
from tests.support.installation import Installation

LEADS = [f"lead-{number:02}@example.com" for number in range(40)]


def former_customers(house: Installation) -> None:
    house.add_leads(
        *(
            {"email": address, "zone": "Europe/London", "country": "GB", "lifecycle": "former_customer"}
            for address in LEADS
        )
    )
    house.work()


def test_nobody_is_written_to_before_three_months_have_passed(begin: Begin) -> None:
    house = begin()
    former_customers(house)
    house.advance(timedelta(days=89), calm_step=10 * DAY)
    assert [row for row in house.rows(Enrollment) if row.cause.startswith("condition")] == []


@on_both
def test_who_is_held_out_is_never_written_to_and_the_others_twice(begin: Begin) -> None:
    house = begin()
    former_customers(house)
    house.advance(timedelta(days=89), calm_step=10 * DAY)
    before = len(house.mails())
    house.advance(timedelta(days=35), calm_step=DAY)

    passages_in = [row for row in house.rows(Enrollment) if row.cause.startswith("condition")]
    assert len(passages_in) == len(LEADS)
    held_out = {row.lead_id for row in passages_in if row.status == "holdout"}
    assert 2 <= len(held_out) <= 16, "one in five, by hash"
    written_to = {row.lead_id for row in house.rows(Message) if row.step in ("changed", "why")}
    assert written_to == {row.lead_id for row in passages_in} - held_out
    letters = [row for row in house.rows(Message, state="sent") if row.step in ("changed", "why")]
    assert len(letters) == 2 * len(written_to)
    assert len(house.mails()) - before >= len(letters)
    held = next(address for address in LEADS if house.lead_id(address) in held_out)
    assert ("holdout") in {line["outcome"] for line in told(house, held).decisions}
    check_everything(house)


def test_who_buys_again_is_welcomed_on_board_and_asked_no_more(begin: Begin) -> None:
    house = begin()
    former_customers(house)
    house.advance(timedelta(days=97), calm_step=10 * DAY)
    won = next(row for row in house.rows(Message, state="sent") if row.step == "changed")
    address = str(won.address)

    house.happens(address, "purchased", amount=1200)
    house.advance(timedelta(days=40), calm_step=DAY)

    assert house.lead(address).lifecycle == "customer"
    steps = [row.step for row in house.rows(Message, lead_id=house.lead_id(address), state="sent")]
    assert "why" not in steps
    assert {"start", "gentle-help", "review"} <= set(steps)
    ways = {row.status: row for row in passages(house, address)}
    assert "completed" in ways
    check_everything(house)
