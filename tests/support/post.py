"""An outbox with campaign messages in it, made in bulk: what tests of delivery begin with."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.orm import Session

from nurture.clock import Clock, FixedClock
from nurture.config import Settings
from nurture.content.compile import Compiled
from nurture.content.sandbox import LINKS
from nurture.domain.letter import Letter
from nurture.mail.mailer import Mailer, Receipt
from nurture.services.runtime import Runtime
from nurture.store.base import chunks, reading, writing
from nurture.store.messages import new_mid
from nurture.store.schema import (
    Campaign,
    CampaignVersion,
    Decision,
    Document,
    Due,
    Enrollment,
    Lead,
    Message,
    ReadPiece,
    Suppression,
    Template,
    TemplateVersion,
)
from nurture.tokens import LinkKeys
from tests.support.runtimes import settings_for

HTML = (
    "<p>Hello {{ lead.first_name | default('there', true) }},</p>"
    f'<p><a href="{{{{ {LINKS}[0] }}}}">read on</a></p>'
    '<p>{{ from_identity.postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'
)
TEXT = "Hello {{ lead.first_name }},\n\nread on.\n\n{{ unsubscribe_url }}\n"
ORGANISATION = {
    "name": "Quillstead",
    "identities": [
        {
            "slug": "default",
            "name": "Clara Whitfield",
            "email": "clara@example.com",
            "postal_address": "14 Harbour Walk, Bristol",
        }
    ],
    "topics": [{"slug": "product", "name": "Product"}],
}


@dataclass
class Recorder:
    """A mailer that takes everything, or raises what `answer` returns, and remembers."""

    name: str = "recorder"
    letters: list[Letter] = field(default_factory=list)
    answer: Any = None

    def send(self, letter: Letter) -> Receipt:
        """Take it."""
        error = self.answer(letter) if self.answer else None
        if error is not None:
            raise error
        self.letters.append(letter)
        return Receipt(provider_id=f"p-{letter.mid}")

    def close(self) -> None:
        """Nothing to give back."""

    @property
    def times_accepted(self) -> Counter[str]:
        """How often each message was taken."""
        return Counter(letter.mid for letter in self.letters)


@dataclass(frozen=True)
class PostOffice:
    """An outbox on one database."""

    engine: Engine
    clock: Clock
    settings: Settings

    @classmethod
    def open(cls, engine: Engine, clock: Clock, var: Path, **settings: str) -> "PostOffice":
        """On a fresh database: an organisation, a template and a running campaign."""
        office = cls(engine, clock, settings_for(var, **settings))
        office.write(office._furnish)
        return office

    @classmethod
    def again(cls, engine: Engine, clock: Clock, var: Path, **settings: str) -> "PostOffice":
        """On a database that was furnished before."""
        return cls(engine, clock, settings_for(var, **settings))

    def runtime(self, mailer: Mailer) -> Runtime:
        """What services are given."""
        return Runtime(self.settings, self.engine, self.clock, mailer, LinkKeys.parse("1:" + "A" * 43))

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.clock.now()

    def write(self, what: Any) -> Any:
        """Do something in one transaction."""
        with writing(self.engine) as session:
            return what(session)

    def change(self, table: type[Any], key: int, **values: Any) -> None:
        """Change one row."""
        self.write(lambda session: [setattr(session.get(table, key), name, v) for name, v in values.items()])

    def queue(self, count: int = 1, *, campaign: str = "welcome", **message: Any) -> list[int]:
        """Plan that many messages to as many new leads; gives the messages' ids."""
        with writing(self.engine) as session:
            return [
                id_
                for batch in chunks(range(count))
                for id_ in self._queue(session, len(batch), campaign, message)
            ]

    def suppress(self, lead_id: int, scope: str) -> None:
        """As a service would: the row, and the lead's cache."""
        self.write(lambda session: self.suppress_in(session, lead_id, scope))

    def suppress_in(self, session: Session, lead_id: int, scope: str) -> None:
        """The same in a transaction of the caller's."""
        lead = session.get(Lead, lead_id)
        assert lead is not None
        hashed = hashlib.sha256(f"{lead.address}".encode()).hexdigest()
        session.add(
            Suppression(
                address_hash=hashed, address=lead.address, scope=scope, reason="unsubscribe", at=self.now
            )
        )
        lead.updated_at = self.now + timedelta(seconds=1)
        if not scope.startswith("topic:"):
            lead.mailable, lead.not_mailable_because = False, "unsubscribed"
        session.flush()

    def rows(self, table: type[Any], **wanted: Any) -> list[Any]:
        """The rows of a table that have these values, in the order of their keys."""
        with reading(self.engine) as session:
            keys = table.__table__.primary_key.columns
            found = list(session.scalars(select(table).filter_by(**wanted).order_by(*keys)))
            session.expunge_all()
            return found

    def message(self, message_id: int) -> Message:
        """A message as it stands."""
        [message] = self.rows(Message, id=message_id)
        assert isinstance(message, Message)
        return message

    def states(self) -> Counter[str]:
        """How many messages stand in each state."""
        return Counter(message.state for message in self.rows(Message))

    def decisions(self, message_id: int) -> list[tuple[str, str]]:
        """What the log says of a message after it was queued."""
        lines = [(row.outcome, row.reason) for row in self.rows(Decision, message_id=message_id)]
        assert lines[:1] == [("queued", "due")]
        return lines[1:]

    def _furnish(self, session: Session) -> None:
        session.add(Document(name="organisation", body=ORGANISATION, digest="o", updated_at=self.now))
        self.add_template(session, "letters/hello")
        self.add_campaign(session, "welcome")

    def add_template(self, session: Session, slug: str, **changes: Any) -> str:
        """A template version; gives its id."""
        fields = {
            "subject": "Hello {{ lead.first_name }}",
            "html": HTML,
            "text": TEXT,
            "kind": "letter",
            **changes,
        }
        version = hashlib.sha256(repr((slug, sorted(fields.items()))).encode()).hexdigest()
        compiled = Compiled(
            version_id=version,
            slug=slug,
            language="",
            preheader="",
            links=("https://www.example.com/read",),
            flat=True,
            names=(),
            **fields,
        )
        front = {"kind": fields["kind"], "subject": fields["subject"]}
        session.add(
            TemplateVersion(
                id=version,
                slug=slug,
                language="",
                kind=fields["kind"],
                front=front,
                source="",
                compiled=compiled.to_json(),
                created_at=self.now,
            )
        )
        session.flush()
        session.merge(Template(slug=slug, language="", version_id=version))
        return version

    def enroll(self, count: int = 1, campaign: str = "welcome") -> None:
        """New leads that enter a campaign and are due; nothing is planned yet."""

        def act(session: Session) -> None:
            entered = session.scalars(select(Campaign).where(Campaign.slug == campaign)).one()
            first = (session.scalar(select(func.max(Lead.id))) or 0) + 1
            for lead_id in range(first, first + count):
                session.add(Lead(**self._lead(lead_id)))
                session.flush()
                passage = {**self._enrollment(entered, lead_id), "status": "active", "position": None}
                session.add(Enrollment(**passage))
                session.flush()
                session.add(Due(enrollment_id=lead_id, lead_id=lead_id, due_at=self.now))

        self.write(act)

    def add_campaign(self, session: Session, slug: str, **definition: Any) -> int:
        """A running campaign of one step; gives its id."""
        campaign = Campaign(
            slug=slug, name=slug.title(), status="active", topic="product", created_at=self.now
        )
        session.add(campaign)
        session.flush()
        body = {
            "schema": 1,
            "slug": slug,
            "name": slug.title(),
            "topic": "product",
            "entry": {"manual": True},
            "steps": [{"key": "hello", "send": {"template": "letters/hello"}}],
            **definition,
        }
        version = CampaignVersion(
            campaign_id=campaign.id,
            number=1,
            definition=body,
            digest=hashlib.sha256(repr(body).encode()).hexdigest(),
            created_at=self.now,
        )
        session.add(version)
        session.flush()
        campaign.version_id = version.id
        return campaign.id

    def _queue(self, session: Session, count: int, slug: str, values: dict[str, Any]) -> list[int]:
        campaign = session.scalars(select(Campaign).where(Campaign.slug == slug)).one()
        template = session.scalar(select(TemplateVersion.id).where(TemplateVersion.slug == "letters/hello"))
        first = (session.scalar(select(func.max(Lead.id))) or 0) + 1
        lead_ids = range(first, first + count)
        session.execute(insert(Lead), [self._lead(lead_id) for lead_id in lead_ids])
        session.execute(insert(Enrollment), [self._enrollment(campaign, lead_id) for lead_id in lead_ids])
        message_ids = []
        for lead_id in lead_ids:
            row = {
                "id": lead_id,
                "mid": new_mid(),
                "kind": "campaign",
                "lead_id": lead_id,
                "enrollment_id": lead_id,
                "campaign_id": campaign.id,
                "step": "hello",
                "topic": "product",
                "template_version_id": template,
                "planned_at": self.now,
                "due_at": self.now,
                **values,
            }
            message_ids.append(row)
        session.execute(insert(Message), message_ids)
        pieces = [
            {"lead_id": row["lead_id"], "piece": row["piece"], "message_id": row["id"], "at": self.now}
            for row in message_ids
            if row.get("piece")
        ]
        if pieces:
            session.execute(insert(ReadPiece), pieces)
        session.execute(insert(Decision), [self._decision(slug, row["id"]) for row in message_ids])
        if self.engine.dialect.name == "postgresql":
            for table in ("lead", "enrollment", "message"):
                next_id = text(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
                session.execute(next_id)
        return [row["id"] for row in message_ids]

    def _lead(self, lead_id: int) -> dict[str, Any]:
        return {
            "id": lead_id,
            "address": f"lead-{lead_id}@example.org",
            "first_name": f"Ana {lead_id}",
            "mailable": True,
            "not_mailable_because": None,
            "lifecycle": "lead",
            "created_at": self.now - timedelta(days=9),
            "updated_at": self.now,
        }

    def _enrollment(self, campaign: Campaign, lead_id: int) -> dict[str, Any]:
        return {
            "id": lead_id,
            "campaign_id": campaign.id,
            "version_id": campaign.version_id,
            "lead_id": lead_id,
            "cause": "manual:test",
            "status": "completed",
            "position": "hello",
            "since": self.now,
            "entered_at": self.now,
        }

    def _decision(self, slug: str, message_id: int) -> dict[str, Any]:
        return {
            "at": self.now,
            "lead_id": message_id,
            "enrollment_id": message_id,
            "campaign": slug,
            "step": "hello",
            "message_id": message_id,
            "outcome": "queued",
            "reason": "due",
        }


def fixed(now: datetime) -> FixedClock:
    """A clock that stands still."""
    return FixedClock(now)
