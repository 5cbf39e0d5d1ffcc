"""A lively installation for looking at: shipped campaigns, some two hundred leads, weeks of virtual time.

Nothing here is random: what a person does with a mail is a hash of both.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

import nurture
from nurture.clock import FixedClock
from nurture.domain.events import EventKind, Verdict
from nurture.domain.roles import Role
from nurture.services.accounts import NewUser, create_user
from nurture.services.files import Paths, apply
from nurture.services.handoff import close_task
from nurture.services.importing.run import ImportOrder, import_leads
from nurture.services.runtime import Runtime
from nurture.store.beats import beat
from nurture.store.events import NewEvent, record_events
from nurture.store.schema import Campaign, Lead, Message, Task
from nurture.worker.schedule import JOBS, work_once

PASSWORD = "seven quiet herons"
ADMIN = "clara@example.com"
STEP = timedelta(hours=3)
OUTCOMES = ("Talked for ten minutes; call again in May.", "Answered the question.", "Sent the price list.")

EXAMPLES = Path(nurture.__file__).parent / "examples" / "leads.csv"
FIRST = "Ana Jonas Mei Omar Lucía Tariq Ingrid Paulo Sofia Henrik Aïcha Marta Ravi Claire Duarte Nora Emil"
LAST = "Lima Weber Tanaka Haddad Gómez Novak Berg Costa Rossi Lund Diallo Silva Patel Moreau Reis Quinn Holm"
COMPANIES = [
    ("Harbour Steel", "manufacturing", "250-999", "GB"),
    ("Lusitano Cargas", "logistics", "50-249", "PT"),
    ("Clinique du Parc", "healthcare", "50-249", "FR"),
    ("Northlight Software", "software", "10-49", "IE"),
    ("Vale Verde Alimentos", "food", "1000+", "BR"),
    ("Brightwater Energy", "energy", "250-999", "GB"),
    ("Atelier Fontaine", "retail", "1-9", "FR"),
    ("Stonebridge Build", "construction", "50-249", "GB"),
]
ZONES = {"GB": "Europe/London", "PT": "Europe/Lisbon", "FR": "Europe/Paris", "IE": "Europe/Dublin"}
LANGUAGES = {"PT": "pt", "BR": "pt", "FR": "fr"}


@dataclass
class Audience:
    """People who react to what they are sent, each at a time of its own."""

    runtime: Runtime
    seen: set[int] = field(default_factory=set)
    waiting: list[NewEvent] = field(default_factory=list)

    def react(self, now: datetime) -> None:
        """Note what people will do with new mails, and record what they have done by `now`."""
        with self.runtime.read() as session:
            sent = session.execute(
                select(Message, Campaign.slug)
                .join(Campaign, Campaign.id == Message.campaign_id)
                .where(Message.state == "sent")
            )
            for message, campaign in sent:
                if message.id not in self.seen:
                    self.seen.add(message.id)
                    self.waiting += _reactions(message, campaign)
        due = [event for event in self.waiting if event.at <= now]
        self.waiting = [event for event in self.waiting if event.at > now]
        with self.runtime.write() as session:
            record_events(session, due, now)


def furnish(runtime: Runtime, clock: FixedClock, leads: int = 180, days: int = 34) -> None:
    """Fill an empty database with a month of life that ends at the clock's present."""
    end = clock.now()
    clock.set(end - timedelta(days=days))
    for address, role, name in (
        (ADMIN, Role.ADMIN, "Clara Whitfield"),
        ("tom@example.com", Role.VIEWER, "Tom Ash"),
    ):
        create_user(runtime, NewUser(address, role, name, PASSWORD), clock.now())
    apply(runtime, Paths.of(runtime.settings), clock.now(), "cli")
    import_leads(runtime, ImportOrder(EXAMPLES), clock.now())
    audience, arrivals = Audience(runtime), _arrivals(leads, clock.now(), end)
    while clock.now() < end:
        clock.set(min(end, clock.now() + STEP))
        _arrive(runtime, [row for at, row in arrivals if clock.now() - STEP < at <= clock.now()], clock.now())
        audience.react(clock.now())
        _browse(runtime, clock.now())
        _call_back(runtime, clock.now())
        work_once(runtime)
    take_pulse(runtime)


def take_pulse(runtime: Runtime) -> None:
    """Let every job of the worker have run just now."""
    with runtime.write() as session:
        for number, job in enumerate(JOBS):
            beat(session, job.name, job.every, 3 + 4 * number, None)


def _arrivals(count: int, start: datetime, end: datetime) -> list[tuple[datetime, dict[str, str]]]:
    span = end - start
    return [(start + span * (number / count) ** 1.3, _person(number)) for number in range(count)]


def _person(number: int) -> dict[str, str]:
    company, industry, size, country = COMPANIES[number * 5 % len(COMPANIES)]
    first, last = FIRST.split()[number % 17], LAST.split()[(number * 7 + number // 17) % 17]
    domain = "".join(letter for letter in company.lower() if letter.isascii() and letter.isalnum())
    return {
        "email": f"person{number}@{domain}.example.com",
        "first_name": first,
        "last_name": last,
        "language": LANGUAGES.get(country, "en"),
        "zone": ZONES.get(country, "America/Sao_Paulo"),
        "tags": ("trade-fair", "webinar-october", "")[number % 3],
        "company": company,
        "domain": f"{domain}.example.com",
        "industry": industry,
        "company_size": size,
        "country": country,
        "consent": "" if number % 11 == 0 else "web form, box ticked",
    }


def _arrive(runtime: Runtime, rows: list[dict[str, str]], now: datetime) -> None:
    if not rows:
        return
    path = runtime.settings.var / "arrivals.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    import_leads(runtime, ImportOrder(path), now)


def _reactions(message: Message, campaign: str) -> Iterator[NewEvent]:
    sent_at = message.sent_at
    assert sent_at is not None
    chance = _chance(message.mid if message.enrollment_id is None else f"{message.lead_id}.{message.step}")
    keen = 0.35 + 0.6 * _chance(f"keen {message.lead_id}")

    def event(kind: EventKind, hours: float, verdict: Verdict | None = None, **data: str) -> NewEvent:
        return NewEvent(
            "seed", f"{message.id}.{kind}.{verdict}", message.lead_id or 0, kind,
            sent_at + timedelta(hours=hours), verdict, message.id,
            message.enrollment_id, campaign, message.step, dict(data),
        )  # fmt: skip

    if chance < 0.012:
        yield event(EventKind.EMAIL_BOUNCED, 0.01, bounce="hard", detail="550 5.1.1 no such user")
        return
    yield event(EventKind.EMAIL_DELIVERED, 0.01)
    if chance > 0.7:
        yield event(EventKind.EMAIL_OPENED, 0.02, Verdict.MACHINE)
    if chance < keen * 0.75:
        yield event(EventKind.EMAIL_OPENED, 1 + 30 * chance, Verdict.HUMAN)
    if chance < keen * 0.34:
        yield event(EventKind.EMAIL_CLICKED, 1.2 + 30 * chance, Verdict.HUMAN, link="2")
    if 0.012 <= chance < 0.04:
        yield event(EventKind.EMAIL_REPLIED, 5, Verdict.HUMAN)
    if 0.93 < chance < 0.945:
        yield event(EventKind.UNSUBSCRIBED, 6, scope="marketing")


def _browse(runtime: Runtime, now: datetime) -> None:
    with runtime.read() as session:
        ids = list(session.scalars(select(Lead.id).where(Lead.mailable.is_(True))))
    with runtime.write() as session:
        record_events(session, list(_visits(ids, now)), now)


def _call_back(runtime: Runtime, now: datetime) -> None:
    """Sales closes most tasks within a day or two; what came of each is a hash."""
    with runtime.read() as session:
        found = session.execute(select(Task.id, Task.created_at).where(Task.status == "open")).all()
    for task_id, created_at in found:
        patience = timedelta(hours=5 + 60 * _chance(f"patience {task_id}"))
        if now - created_at > patience and 9 <= now.hour < 18:
            outcome = OUTCOMES[int(_chance(f"outcome {task_id}") * len(OUTCOMES))]
            with runtime.write() as session:
                close_task(session, task_id, outcome, "user:1", now)


def _visits(lead_ids: Iterable[int], now: datetime) -> Iterator[NewEvent]:
    for lead_id in lead_ids:
        chance = _chance(f"{lead_id} {now:%Y-%m-%d %H}")
        at = now - timedelta(minutes=170 * _chance(f"{chance}"))
        if chance < 0.0005:
            kind, data = EventKind.DEMO_REQUESTED, {"form": "demo"}
        elif chance < 0.0014:
            kind, data = EventKind.ASSET_DOWNLOADED, {"asset": "invoice-checklist.pdf"}
        elif chance < 0.012 and now.hour in range(7, 20):
            kind, data = EventKind.PAGE_VISITED, {"path": ("/pricing", "/product", "/blog")[lead_id % 3]}
        else:
            continue
        yield NewEvent("seed", f"{lead_id}.{kind}.{now}", lead_id, kind, at, data=dict(data))


def _chance(key: str) -> float:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "big") / 2**32
