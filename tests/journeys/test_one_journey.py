"""From a CSV to the case study that fits: the whole product, with nothing but the clock in our hands."""

from datetime import UTC, datetime, timedelta

from nurture.store.schema import EventRow
from tests.journeys.conftest import Begin, on_both
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY, HOUR, MINUTE, engagement, local, passages, pieces, stage, told
from tests.support.installation import BASE_URL, Installation

SUNDAY_NIGHT = datetime(2026, 10, 4, 20, 0, tzinfo=UTC)

LEADS = """\
email;first_name;last_name;language;zone;company;industry;company_size;country;consent
ana@example.com;Ana;Reis;en;Europe/Lisbon;Valmor Pumps;Manufacturing;250-999;PT;web form
ben@example.com;Ben;Okafor;en;America/New_York;Okafor Haulage;logistics;50-249;US;web form
hana@example.com;Hana;Ngata;en;Pacific/Auckland;Ngata Clinics;healthcare;1000+;NZ;web form
nobody@example.com;No;Consent;en;Europe/Lisbon;;;;;
"""
ANA, BEN, HANA = "ana@example.com", "ben@example.com", "hana@example.com"
ZONES = {ANA: "Europe/Lisbon", BEN: "America/New_York", HANA: "Pacific/Auckland"}


def in_office_hours(house: Installation) -> None:
    """Apply the shipped files with a welcome that waits for the lead's hours, as the other letters do."""
    paths = house.copy_of_shipped()
    welcome = paths.campaigns / "awareness" / "welcome.yaml"
    text = welcome.read_text()
    assert text.count("    window: any\n") == 1
    welcome.write_text(text.replace("    window: any\n", ""))
    house.apply(paths.campaigns, paths.templates)


@on_both
def test_one_journey(begin: Begin) -> None:
    house = begin(SUNDAY_NIGHT)
    in_office_hours(house)
    report = house.import_csv(LEADS)
    assert (report.created, report.without_consent, report.refused) == (4, 1, [])

    # The welcome goes out in the lead's hour; the fifth of October is a holiday in Portugal. Who gave no
    # consent gets nothing.
    house.run_until(SUNDAY_NIGHT + 38 * HOUR)
    assert [(mail.to, local(mail, ZONES[mail.to])) for mail in house.mails()] == [
        (HANA, "Mon 05 Oct 09:00"),
        (BEN, "Mon 05 Oct 08:30"),
        (ANA, "Tue 06 Oct 08:30"),
    ]
    welcome = house.mail(ANA)

    # A security gateway looks at the mail soon after it came: HEAD, then GET of all it finds.
    scanner = house.scanner()
    for url in (welcome.pixel, *welcome.links):
        if url.startswith(BASE_URL):
            scanner.head(url)
            scanner.get(url)
    house.advance(5 * MINUTE)
    verdicts = {(event.kind, event.verdict) for event in house.rows(EventRow) if event.verdict}
    assert sorted(verdicts) == [("email_clicked", "machine"), ("email_opened", "machine")]
    assert (engagement(house, ANA), stage(house, ANA)) == (0.0, "awareness")
    assert passages(house, ANA)[0].status == "active"

    # At noon a person reads and clicks; what it was is known a minute later, and counts from then on.
    house.run_until(welcome.at + 3 * HOUR)
    reader = house.browser()
    reader.read(welcome)
    house.advance(timedelta(seconds=20))
    assert reader.click(welcome).startswith("https://www.example.com/")
    house.advance(timedelta(seconds=59))
    assert (engagement(house, ANA), stage(house, ANA)) == (1.0, "awareness")
    house.advance(timedelta(seconds=1))

    # The score moves by the person's doing alone: one open, one click.
    assert engagement(house, ANA) == 9.0
    entries = {entry["rule"]: entry["net"] for entry in told(house, ANA).score_entries}
    assert entries == {"opened-email": 1.0, "clicked-email": 8.0}

    # The stage changes, the welcome is done, and the case study of its industry follows.
    assert stage(house, ANA) == "interest"
    welcomed, reading = passages(house, ANA)
    assert (welcomed.status, welcomed.goal_at) == ("completed", house.now - MINUTE)
    assert reading.status == "active"
    house.advance(10 * MINUTE)
    assert pieces(house, ANA) == ["case_studies/orrin-dale-castings"]

    # And never the same twice: two more, a week apart each, then a question, and the campaign is at its end.
    house.run_until(datetime(2026, 10, 31, tzinfo=UTC), calm_step=DAY)
    read = pieces(house, ANA)
    assert read[0] == "case_studies/orrin-dale-castings"
    assert len(read) == len(set(read)) == 3
    days = [local(mail, ZONES[ANA])[:10] for mail in house.mails(ANA)]
    assert days == ["Tue 06 Oct", "Tue 06 Oct", "Tue 13 Oct", "Tue 20 Oct"]

    # The others never clicked: they went on with the welcome and are where they were.
    assert [local(mail, ZONES[BEN]) for mail in house.mails(BEN)][:2] == [
        "Mon 05 Oct 08:30",
        "Thu 08 Oct 10:00",
    ]
    assert [stage(house, address) for address in (BEN, HANA)] == ["awareness", "awareness"]
    assert house.mails("nobody@example.com") == []
    check_everything(house)
