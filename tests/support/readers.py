"""Mails that went out, and their readers: what tests of tracking and of preferences begin with."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, func, select

from nurture.clock import FixedClock
from nurture.domain.engagement import HitKind
from nurture.services.runtime import Runtime
from nurture.store.base import Base
from nurture.store.hits import NewHit, record_hits
from nurture.store.messages import new_mid
from nurture.store.schema import (
    Campaign,
    CampaignVersion,
    Document,
    Enrollment,
    Lead,
    Message,
    MessageLink,
    TemplateVersion,
)
from nurture.store.suppressions import NewConsent, record_consents
from tests.support.runtimes import runtime_on, settings_for

Row = TypeVar("Row", bound=Base)

PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
LINKS = tuple(f"https://www.example.com/{number}" for number in range(1, 5))


@dataclass(frozen=True)
class Readers:
    """A campaign with one letter of four links, on one database, whose time the test moves by hand."""

    runtime: Runtime
    clock: FixedClock
    campaign_id: int
    version_id: int

    @classmethod
    def begin(cls, engine: Engine, clock: FixedClock, var: Path, **settings: str) -> "Readers":
        """Lay out the campaign, its letter and the topics `newsletter` and `product`."""
        runtime, now = runtime_on(engine, clock, settings_for(var, **settings)), clock.now()
        with runtime.write() as session:
            campaign = Campaign(slug="welcome", name="Welcome", status="active", created_at=now)
            session.add(campaign)
            session.flush()
            version = CampaignVersion(
                campaign_id=campaign.id, number=1, definition={}, digest="1", created_at=now
            )
            letter = TemplateVersion(
                id="letter",
                slug="letters/hello",
                language="",
                kind="letter",
                front={},
                source="",
                compiled={"links": list(LINKS)},
                created_at=now,
            )
            organisation = Document(name="organisation", body=ORGANISATION, digest="1", updated_at=now)
            session.add_all([version, letter, organisation])
            session.flush()
            campaign.version_id = version.id
            return cls(runtime, clock, campaign.id, version.id)

    @property
    def now(self) -> datetime:
        """The present instant of the test."""
        return self.clock.now()

    def reader(self, address: str = "ana@example.com", *, consent: bool = True, **values: Any) -> int:
        """A lead; gives its id."""
        with self.runtime.write() as session:
            lead = Lead(address=address, created_at=self.now, updated_at=self.now, **values)
            session.add(lead)
            session.flush()
            if consent:
                record_consents(session, [NewConsent(lead.id, "ticked a box")], self.now)
            return lead.id

    def sent(self, lead_id: int | None, *, state: str = "sent", **values: Any) -> int:
        """A message of the campaign to a lead, sent now (or still `pending`); gives its id."""
        with self.runtime.write() as session:
            kind = values.pop("kind", "campaign")
            enrollment = None
            if kind == "campaign":
                enrollment = Enrollment(
                    campaign_id=self.campaign_id,
                    version_id=self.version_id,
                    lead_id=lead_id,
                    cause=f"manual:{new_mid()}",
                    status="active",
                    since=self.now,
                    entered_at=self.now,
                )
                session.add(enrollment)
                session.flush()
            lead = session.get(Lead, lead_id) if lead_id else None
            row: dict[str, Any] = {
                "mid": new_mid(),
                "kind": kind,
                "lead_id": lead_id,
                "address": lead.address if lead else None,
                "enrollment_id": enrollment.id if enrollment else None,
                "campaign_id": self.campaign_id if enrollment else None,
                "step": "hello" if enrollment else None,
                "topic": "newsletter" if enrollment else None,
                "template_version_id": "letter",
                "state": state,
                "planned_at": self.now,
                "due_at": self.now,
                "sent_at": self.now if state == "sent" else None,
                **values,
            }
            message = Message(**row)
            session.add(message)
            session.flush()
            return message.id

    def own_link(self, message_id: int, number: int, target: str) -> None:
        """A link that this message alone has."""
        with self.runtime.write() as session:
            session.add(MessageLink(message_id=message_id, number=number, target=target))

    def hit(
        self,
        message_id: int,
        kind: HitKind = HitKind.CLICK,
        *,
        after: timedelta = timedelta(),
        **values: Any,
    ) -> None:
        """Somebody asked for an address of a message, `after` now."""
        link = {"link": 1} if kind is HitKind.CLICK else {}
        row: dict[str, Any] = {
            "message_id": message_id,
            "kind": kind,
            "method": "GET",
            "at": self.now + after,
            "ip": "192.0.2.10",
            "user_agent": PERSON,
            **link,
            **values,
        }
        with self.runtime.write() as session:
            record_hits(session, [NewHit(**row)])

    def count(self, table: type[Base]) -> int:
        """How many rows a table has."""
        with self.runtime.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def rows(self, table: type[Row], **wanted: Any) -> list[Row]:
        """The rows of a table that have these values, in the order of their keys."""
        with self.runtime.read() as session:
            statement = select(table).filter_by(**wanted).order_by(*table.__table__.primary_key.columns)  # type: ignore[attr-defined]
            found = list(session.scalars(statement))
            session.expunge_all()
            return found

    def row(self, table: type[Row], key: object) -> Row:
        """One row by its key."""
        with self.runtime.read() as session:
            found = session.get(table, key)
            assert found is not None
            session.expunge_all()
            return found


ORGANISATION = {
    "name": "Quillstead",
    "identities": [
        {
            "slug": "default",
            "name": "Clara Whitfield",
            "email": "clara@example.com",
            "postal_address": "14 Harbour Walk, Galway",
        }
    ],
    "topics": [
        {"slug": "newsletter", "name": "The Quiet Close", "description": "One letter a month."},
        {"slug": "product", "name": "Letters about Quillstead"},
    ],
}
