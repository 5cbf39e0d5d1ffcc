"""Whatever happens, in whatever order: what must hold holds, and nobody is written to who said no."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest

from nurture.domain.errors import ConflictError
from nurture.services import campaigns_run
from nurture.services.erase import erase
from nurture.services.handoff import close_task
from nurture.services.switches import go, stop
from nurture.store.schema import Campaign, Task
from tests.journeys.conftest import Begin
from tests.journeys.invariants import check_everything
from tests.journeys.story import DAY, HOUR, MINUTE
from tests.support.installation import Installation, Mail

PEOPLE = [f"lead-{number}@example.com" for number in range(8)]
ZONES = ["Europe/Lisbon", "America/New_York", "Pacific/Auckland", "Asia/Kolkata", ""]
INDUSTRIES = ["manufacturing", "logistics", "healthcare", "software", "retail", ""]
TOPICS = ["newsletter", "product", "case_studies", "onboarding"]
EVENTS: list[tuple[str, dict[str, str]]] = [
    ("page_visited", {"path": "/pricing"}),
    ("page_visited", {"path": "/careers"}),
    ("asset_downloaded", {"asset": "guide"}),
    ("form_submitted", {"form": "demo"}),
    ("demo_requested", {}),
    ("quote_requested", {}),
    ("purchased", {}),
    ("custom:contract_ended", {}),
    ("custom:inbox_connected", {}),
    ("call_logged", {}),
    ("email_replied", {}),
    ("email_bounced", {"bounce": "hard"}),
    ("email_bounced", {"bounce": "soft"}),
    ("email_complained", {}),
]


class Life:
    """A random life of an installation; the same seed lives the same life."""

    def __init__(self, house: Installation, seed: int) -> None:
        self.house = house
        self.chance = Random(seed)
        self.refused: dict[str, datetime] = {}
        self.told: list[str] = []

    def go_on(self, steps: int) -> None:
        """Let so many things happen."""
        actions: list[tuple[int, Callable[[], object]]] = [
            (6, self.time_passes),
            (5, self.somebody_reads),
            (4, self.a_scanner_looks),
            (5, self.something_happens),
            (2, self.somebody_is_imported),
            (1, self.somebody_unsubscribes),
            (2, self.somebody_chooses),
            (1, self.a_campaign_is_paused),
            (2, self.a_campaign_is_resumed),
            (1, self.the_switch_is_thrown),
            (1, self.a_task_is_closed),
            (1, self.somebody_is_erased),
        ]
        weights = [weight for weight, _ in actions]
        for _ in range(steps):
            ((_, action),) = self.chance.choices(actions, weights)
            self.told.append(f"{self.house.now:%m-%d %H:%M} {action.__name__}")
            action()

    def come_to_rest(self) -> None:
        """Release what was stopped and let things calm down."""
        go(self.house.runtime, self.house.now, "test")
        for campaign in self.house.rows(Campaign):
            self.resume(campaign.slug)
        self.house.advance(2 * DAY, calm_step=DAY)

    def time_passes(self) -> None:
        by = self.chance.choice([MINUTE, 10 * MINUTE, 3 * HOUR, DAY, 4 * DAY, 9 * DAY])
        self.house.advance(by, calm_step=DAY)

    def somebody_reads(self) -> None:
        if mail := self.a_mail():
            reader = self.house.browser(ip=f"192.0.2.{self.chance.randrange(1, 250)}")
            if self.chance.random() < 0.7:
                reader.read(mail)
            if mail.clicks and self.chance.random() < 0.6:
                reader.click(mail, self.chance.randrange(len(mail.clicks)))

    def a_scanner_looks(self) -> None:
        if mail := self.a_mail():
            for url in (mail.pixel, *mail.clicks, mail.page("u"), mail.page("v")):
                self.house.scanner().ask(self.chance.choice(["HEAD", "GET"]), url)

    def something_happens(self) -> None:
        if known := self.known():
            address = self.chance.choice(known)
            kind, data = self.chance.choice(EVENTS)
            self.house.happens(address, kind, **data)
            if kind == "email_complained" or data.get("bounce") == "hard":
                self.house.work()
                self.refused.setdefault(address, self.house.now)

    def somebody_is_imported(self) -> None:
        address = self.chance.choice(PEOPLE)
        row = {
            "email": address,
            "first_name": self.chance.choice(["Ana", "{{ 7*7 }}", "Zoë"]),
            "zone": self.chance.choice(ZONES),
            "language": self.chance.choice(["en", "fr", "pt-BR", "de"]),
            "company": f"Firm {self.chance.randrange(3)}",
            "industry": self.chance.choice(INDUSTRIES),
            "company_size": self.chance.choice(["1-9", "50-249", "1000+"]),
            "country": self.chance.choice(["GB", "PT", "NZ", "US"]),
        }
        self.house.add_leads(row, consent=self.chance.choice(["web form", "web form", None]))

    def somebody_unsubscribes(self) -> None:
        if mail := self.a_mail():
            body = {"List-Unsubscribe": "One-Click"}
            assert self.house.browser("").post(mail.one_click, body).status_code == 200
            self.refused.setdefault(mail.to, self.house.now)

    def somebody_chooses(self) -> None:
        if mail := self.a_mail():
            wishes = {name: "on" for name in ("less_often", "pause", "nothing") if self.chance.random() < 0.2}
            topics = [topic for topic in TOPICS if self.chance.random() < 0.7]
            answer = self.house.browser().post(mail.page("p"), {"topic": topics, **wishes})
            assert answer.status_code == 200
            if self.house.lead(mail.to).mailable:
                self.refused.pop(mail.to, None)
            else:
                self.refused.setdefault(mail.to, self.house.now)

    def a_campaign_is_paused(self) -> None:
        campaign = self.chance.choice(self.house.rows(Campaign))
        try:
            campaigns_run.pause(self.house.runtime, campaign.slug, self.house.now, "test")
        except ConflictError:
            assert campaign.status != "active"

    def a_campaign_is_resumed(self) -> None:
        self.resume(self.chance.choice(self.house.rows(Campaign)).slug)

    def resume(self, slug: str) -> None:
        mode = self.chance.choice(["shift", "skip", "send_now"])
        try:
            campaigns_run.resume(self.house.runtime, slug, mode, self.house.now, "test")  # type: ignore[arg-type]
        except ConflictError:
            assert self.house.rows(Campaign, slug=slug)[0].status != "paused"

    def the_switch_is_thrown(self) -> None:
        if self.chance.random() < 0.5:
            stop(self.house.runtime, self.house.now, "test")
        go(self.house.runtime, self.house.now, "test")

    def a_task_is_closed(self) -> None:
        if tasks := self.house.rows(Task, status="open"):
            task = self.chance.choice(tasks)
            with self.house.runtime.write() as session:
                close_task(session, task.id, "done", "test", self.house.now)

    def somebody_is_erased(self) -> None:
        if known := self.known():
            address = self.chance.choice(known)
            erase(self.house.runtime, address, self.house.now, "test")
            self.refused.setdefault(address, self.house.now)

    def a_mail(self) -> Mail | None:
        mails = self.house.mails()
        return self.chance.choice(mails) if mails else None

    def known(self) -> list[str]:
        return sorted({mail.to for mail in self.house.mails()})


def nobody_who_said_no_was_written_to(life: Life) -> None:
    for address, since in life.refused.items():
        late = [mail.at for mail in life.house.mails(address) if mail.at > since]
        assert late == [], f"{address} refused at {since}"


def no_lead_got_more_than_the_budget(life: Life) -> None:
    for address in PEOPLE:
        moments = [mail.at for mail in life.house.mails(address)]
        for start in moments:
            within = [moment for moment in moments if start <= moment < start + timedelta(days=6, hours=22)]
            assert len(within) <= 2, f"{address} from {start}"


@pytest.mark.parametrize(
    ("backend", "seed"),
    [("sqlite", 0), ("sqlite", 1), ("sqlite", 2), ("postgresql", 3)],
    indirect=["backend"],
)
def test_whatever_happens(begin: Begin, seed: int) -> None:
    house = begin()
    life = Life(house, seed)
    for _ in range(6):
        life.somebody_is_imported()
    house.work()
    try:
        life.go_on(60)
        life.come_to_rest()
        check_everything(house)
        nobody_who_said_no_was_written_to(life)
        no_lead_got_more_than_the_budget(life)
    except BaseException:
        print(*life.told, sep="\n")
        raise
