"""A house with the shipped campaigns and templates, and case studies waiting in its outbox."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from nurture.clock import FixedClock
from nurture.config import load_settings
from nurture.mail.choose import make_mailer
from nurture.services.files import Paths, apply
from nurture.services.outbox import keeper
from nurture.services.runtime import Runtime
from nurture.store.base import chunks, make_engine
from nurture.store.messages import new_mid
from nurture.store.schema import Campaign, Company, Decision, Enrollment, Lead, Message, ReadPiece, Template
from nurture.store.upgrade import upgrade
from nurture.tokens import LinkKeys

ROOT = Path(__file__).parent.parent
KEY = "k" * 43
NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
"""A Tuesday morning, when every window is open."""

CAMPAIGN = "case-studies"
STEP = "studies"


@contextmanager
def open_house(port: int, database_url: str = "") -> Iterator[Runtime]:
    """A runtime whose mailer speaks to the sink at `port`, on a fresh SQLite file unless told otherwise."""
    var = Path(tempfile.mkdtemp(prefix="nurture-bench-"))
    settings = load_settings(
        {
            "NURTURE_VAR": str(var),
            "NURTURE_DATABASE_URL": database_url or f"sqlite:///{var / 'nurture.db'}",
            "NURTURE_SECRET_KEY": KEY,
            "NURTURE_SUPPRESSION_KEY": KEY,
            "NURTURE_MAIL": "smtp",
            "NURTURE_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "NURTURE_BASE_URL": "https://nurture.example.com",
            "NURTURE_REPLY_DOMAIN": "in.example.com",
            "NURTURE_BOUNCE_DOMAIN": "in.example.com",
        }
    )
    engine = make_engine(settings.database_url)
    upgrade(engine)
    clock = FixedClock(NOW)
    mailer = make_mailer(settings, keeper(engine, clock))
    runtime = Runtime(settings, engine, clock, mailer, LinkKeys.parse(f"1:{KEY}"))
    try:
        apply(runtime, Paths(ROOT / "campaigns", ROOT / "email_templates"), NOW)
        yield runtime
    finally:
        mailer.close()
        engine.dispose()
        shutil.rmtree(var)


def queue(runtime: Runtime, count: int) -> None:
    """Plan a case study for so many new leads."""
    for batch in chunks(range(count)):
        with runtime.write() as session:
            _queue(session, len(batch))


def _queue(session: Session, count: int) -> None:
    campaign = session.scalars(select(Campaign).where(Campaign.slug == CAMPAIGN)).one()
    piece = session.scalars(
        select(Template).where(Template.slug.like("case_studies/%"), Template.language == "")
    ).first()
    assert piece is not None
    first = (session.scalar(select(func.max(Lead.id))) or 0) + 1
    ids = range(first, first + count)
    session.execute(insert(Company), [_company(number) for number in ids])
    session.execute(insert(Lead), [_lead(number) for number in ids])
    session.execute(insert(Enrollment), [_enrollment(number, campaign) for number in ids])
    session.execute(insert(Message), [_message(number, campaign, piece) for number in ids])
    session.execute(
        insert(ReadPiece),
        [{"lead_id": number, "piece": piece.slug, "message_id": number, "at": NOW} for number in ids],
    )
    session.execute(insert(Decision), [_decision(number) for number in ids])


def _company(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Mill {number} Ltd",
        "domain": f"mill-{number}.example",
        "industry": "manufacturing",
        "size": "50-249",
        "country": "GB",
        "created_at": NOW,
        "updated_at": NOW,
    }


def _lead(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "address": f"ana.{number}@mill-{number}.example",
        "first_name": "Ana",
        "last_name": f"Reis {number}",
        "company_id": number,
        "language": "en",
        "zone": "Europe/London",
        "lifecycle": "lead",
        "stage": "interest",
        "mailable": True,
        "not_mailable_because": None,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _enrollment(number: int, campaign: Campaign) -> dict[str, Any]:
    return {
        "id": number,
        "campaign_id": campaign.id,
        "version_id": campaign.version_id,
        "lead_id": number,
        "cause": "manual:bench",
        "status": "active",
        "position": STEP,
        "since": NOW,
        "entered_at": NOW,
    }


def _message(number: int, campaign: Campaign, piece: Template) -> dict[str, Any]:
    return {
        "id": number,
        "mid": new_mid(),
        "lead_id": number,
        "enrollment_id": number,
        "campaign_id": campaign.id,
        "step": STEP,
        "topic": campaign.topic,
        "template_version_id": piece.version_id,
        "piece": piece.slug,
        "priority": campaign.priority,
        "planned_at": NOW,
        "due_at": NOW,
    }


def _decision(number: int) -> dict[str, Any]:
    return {
        "at": NOW,
        "lead_id": number,
        "enrollment_id": number,
        "campaign": CAMPAIGN,
        "step": STEP,
        "message_id": number,
        "outcome": "queued",
        "reason": "due",
    }
