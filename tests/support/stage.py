"""A small house for tests of the engine: leads, campaigns and templates in a real database, and a clock."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import yaml
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from nurture.clock import FixedClock
from nurture.config import Settings
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.errors import MessageRefused
from nurture.domain.letter import Letter
from nurture.mail.mailer import Receipt
from nurture.services.generations import install
from nurture.services.runtime import Runtime
from nurture.services.tick import tick, write_plans
from nurture.services.tick.load import Load
from nurture.services.tick.plan import plan
from nurture.store.base import reading, writing
from nurture.store.enrollments import NewEnrollment
from nurture.store.enrollments import enter as enter_all
from nurture.store.events import NewEvent
from nurture.store.events import record_events as record
from nurture.store.schema import (
    Campaign,
    CampaignVersion,
    Company,
    Decision,
    Document,
    Due,
    Enrollment,
    EventRow,
    Inbox,
    Lead,
    Message,
    ReadPiece,
    Template,
    TemplateVersion,
    User,
)
from nurture.tokens import LinkKeys


class NoMailer:
    """A mailer for tests in which nothing may be sent."""

    name = "none"

    def send(self, letter: Letter) -> Receipt:
        """Refuse."""
        raise MessageRefused("This test sends nothing.")

    def close(self) -> None:
        """Nothing to give back."""


@dataclass(frozen=True)
class Stage:
    """A house on one database, whose time the test moves by hand."""

    engine: Engine
    clock: FixedClock

    @property
    def runtime(self) -> Runtime:
        """What services are given."""
        settings = Settings(database_url=str(self.engine.url), zone="Europe/Lisbon")
        return Runtime(settings, self.engine, self.clock, NoMailer(), LinkKeys.parse("1:" + "A" * 43))

    @property
    def now(self) -> datetime:
        """The present instant of the test."""
        return self.clock.now()

    def write(self, what: Callable[[Session], Any]) -> Any:
        """Do something in one transaction."""
        with writing(self.engine) as session:
            return what(session)

    def lead(self, **values: Any) -> int:
        """A lead who may be mailed; gives its id."""
        number = self.count(Lead) + 1
        row: dict[str, Any] = {
            "address": f"lead-{number}@example.com",
            "mailable": True,
            "not_mailable_because": None,
            "lifecycle": "lead",
            "lifecycle_since": self.now - timedelta(days=90),
            "stage_since": self.now - timedelta(days=90),
            "created_at": self.now - timedelta(days=90),
            "updated_at": self.now,
            **values,
        }

        def insert_lead(session: Session) -> int:
            company = row.pop("company", None)
            if company:
                made = Company(created_at=self.now, updated_at=self.now, **company)
                session.add(made)
                session.flush()
                row["company_id"] = made.id
            lead = Lead(**row)
            session.add(lead)
            session.flush()
            return lead.id

        return int(self.write(insert_lead))

    def campaign(self, text: str, status: str = "active") -> int:
        """Publish a campaign, or its next version, from YAML; gives its id. Name and entry may be missing."""
        body = yaml.load(text, yaml.BaseLoader)
        slug = body.setdefault("slug", "welcome")
        definition = CampaignDefinition.model_validate(
            {"name": slug.title(), "entry": {"manual": True}, **body}
        )
        stored = definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)

        def publish(session: Session) -> int:
            campaign = session.scalar(select(Campaign).where(Campaign.slug == slug))
            if campaign is None:
                campaign = Campaign(slug=slug, name=definition.name, created_at=self.now, started_at=self.now)
                session.add(campaign)
            campaign.status, campaign.priority = status, definition.priority
            session.flush()
            number = session.scalar(
                select(func.count())
                .select_from(CampaignVersion)
                .where(CampaignVersion.campaign_id == campaign.id)
            )
            version = CampaignVersion(
                campaign_id=campaign.id,
                number=(number or 0) + 1,
                definition=stored,
                digest=digest_of(stored),
                created_at=self.now,
            )
            session.add(version)
            session.flush()
            campaign.version_id = version.id
            return campaign.id

        return int(self.write(publish))

    def template(self, slug: str, *languages: str, **front: Any) -> None:
        """A template in its base language and in others."""
        matter = {"kind": "letter", "subject": slug, **front}

        def add(session: Session) -> None:
            for language in ("", *languages):
                version_id = digest_of({"slug": slug, "language": language, **matter})
                session.add(
                    TemplateVersion(
                        id=version_id,
                        slug=slug,
                        language=language,
                        kind=matter["kind"],
                        front=matter,
                        source="",
                        compiled={},
                        created_at=self.now,
                    )
                )
                session.flush()
                session.add(Template(slug=slug, language=language, version_id=version_id))

        self.write(add)

    def document(self, name: str, text: str) -> None:
        """Apply a settings file."""
        body = yaml.load(text, yaml.BaseLoader)

        def save(session: Session) -> None:
            session.merge(Document(name=name, body=body, digest=digest_of(body), updated_at=self.now))

        self.write(save)

    def enroll(self, campaign_id: int, lead_id: int, cause: str = "manual:test") -> int:
        """Put a lead into a campaign's current version, due now; gives the enrollment's id."""

        def enter(session: Session) -> int:
            version_id = session.scalar(select(Campaign.version_id).where(Campaign.id == campaign_id))
            assert version_id is not None
            enrollment = Enrollment(
                campaign_id=campaign_id,
                version_id=version_id,
                lead_id=lead_id,
                cause=cause,
                status="active",
                since=self.now,
                entered_at=self.now,
            )
            session.add(enrollment)
            session.flush()
            session.add(Due(enrollment_id=enrollment.id, lead_id=lead_id, due_at=self.now))
            return enrollment.id

        return int(self.write(enter))

    def leads(self, number: int) -> list[int]:
        """Many leads who may be mailed; gives their ids."""

        def add(session: Session) -> list[int]:
            row = {"lifecycle": "lead", "mailable": True, "created_at": self.now, "updated_at": self.now}
            leads = [Lead(address=f"many-{turn}@example.com", **row) for turn in range(number)]
            session.add_all(leads)
            session.flush()
            return [lead.id for lead in leads]

        return list(self.write(add))

    def enroll_many(self, campaign_id: int, number: int) -> None:
        """Put many new leads into a campaign's current version, due now."""
        leads = self.leads(number)

        def enter(session: Session) -> None:
            version_id = session.scalar(select(Campaign.version_id).where(Campaign.id == campaign_id))
            new = [NewEnrollment(campaign_id, version_id or 0, lead, "manual:many") for lead in leads]
            enter_all(session, new, self.now)

        self.write(enter)

    def happens(self, lead_id: int, kind: str, *, processed: bool = True, **values: Any) -> None:
        """An event of a lead, now; it counts unless it still waits to be processed."""
        number = len(self.events) + 1
        event = NewEvent(
            "test", f"{number}:{self.now.isoformat()}:{lead_id}:{kind}", lead_id, kind, self.now, **values
        )
        self.events.append(event)

        def add(session: Session) -> None:
            record(session, [event], self.now)
            if processed:
                session.query(Inbox).delete()

        self.write(add)

    @property
    def events(self) -> list[NewEvent]:
        """What happened in this test."""
        return self.__dict__.setdefault("_events", [])  # type: ignore[no-any-return]

    def tick(self, times: int = 20) -> int:
        """Decide until nothing is due any more, at most so often; gives how much was decided."""
        total = 0
        for _ in range(times):
            done = tick(self.runtime, self.now, 500)
            if not done:
                return total
            total += done
        raise AssertionError("It never comes to rest.")

    def tick_with(self, work: Load) -> int:
        """Decide and write on what was read earlier; gives for how many leads."""
        plans = [made for lead in work.leads.values() if (made := plan(work, lead, self.now))]
        return write_plans(self.runtime, work, plans, self.now)

    def users(self, *addresses: str, viewer: str | None = None) -> list[int]:
        """People who may take over leads, and perhaps one who may only look; gives their ids."""
        roles = [(address, "sender") for address in addresses] + ([(viewer, "viewer")] if viewer else [])
        people = [User(address=address, role=role, created_at=self.now) for address, role in roles]
        self.write(lambda session: session.add_all(people))
        return [row.id for row in self.rows(User)]

    def with_scoring(self) -> None:
        """Let engagement be kept."""
        self.write(lambda session: install(session, self.now))

    def templates(self, slug: str) -> list[Template]:
        """The current versions of a template."""
        return self.rows(Template, slug=slug)

    def kinds_of_events(self) -> list[str]:
        """What kinds of things have happened, sorted."""
        return sorted(row.kind for row in self.rows(EventRow))

    def count(self, table: type[Any]) -> int:
        """How many rows a table has."""
        with reading(self.engine) as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def messages(self, **wanted: Any) -> list[Message]:
        """The messages so far, in their order."""
        return self.rows(Message, **wanted)

    def decisions(self, **wanted: Any) -> list[tuple[str, str]]:
        """What the log says: outcome and reason, in order."""
        return [(row.outcome, row.reason) for row in self.rows(Decision, **wanted)]

    def enrollment(self, enrollment_id: int) -> Enrollment:
        """An enrollment as it stands."""
        return self.rows(Enrollment, id=enrollment_id)[0]

    def set_status(self, enrollment_id: int, status: str) -> None:
        """Call an enrollment something else."""
        self.write(lambda session: setattr(session.get(Enrollment, enrollment_id), "status", status))

    def due_at(self, enrollment_id: int) -> datetime | None:
        """When an enrollment is looked at next; None when never."""
        due = self.rows(Due, enrollment_id=enrollment_id)
        return due[0].due_at if due else None

    def pieces(self, lead_id: int) -> list[str]:
        """The pieces that a lead has had, or is about to be sent."""
        return sorted(row.piece for row in self.rows(ReadPiece, lead_id=lead_id))

    def change(self, lead_id: int, **values: Any) -> None:
        """Change a lead's row."""
        self.write(
            lambda session: [setattr(session.get(Lead, lead_id), key, value) for key, value in values.items()]
        )

    def rows(self, table: type[Any], **wanted: Any) -> list[Any]:
        """The rows of a table that have these values, in the order of their keys."""
        with reading(self.engine) as session:
            statement = select(table).filter_by(**wanted).order_by(*table.__table__.primary_key.columns)
            found = list(session.scalars(statement))
            session.expunge_all()
            return found


def digest_of(value: Any) -> str:
    """A text that tells values apart."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
