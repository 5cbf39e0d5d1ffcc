"""Looking at mails: the same bytes as were sent, and nothing counted for those who only look."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from nurture.clock import FixedClock
from nurture.content.compile import Compiled
from nurture.content.links import LinkScheme, message_urls
from nurture.content.render import Rendered, render
from nurture.content.values import From, Occasion, merge_values
from nurture.domain.errors import NotFound
from nurture.services.files import Paths, apply
from nurture.services.preview import mail_as_sent, preview_template, staff_view, view_message
from nurture.services.runtime import Runtime
from nurture.store.leads import lead_views
from nurture.store.schema import Lead, Message, MessageContent
from nurture.store.templates import compiled_json, current_version
from tests.support.letters import section
from tests.support.runtimes import runtime_on, settings_for

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runtime(engine: Engine, clock: FixedClock, tmp_path: Path, now: datetime) -> Runtime:
    """A runtime with everything that is shipped."""
    made = runtime_on(engine, clock, settings_for(tmp_path / "var"))
    apply(made, Paths(ROOT / "campaigns", ROOT / "email_templates"), now)
    return made


def add_lead(runtime: Runtime, now: datetime) -> int:
    with runtime.write() as session:
        lead = Lead(
            address="ana@reis.example", first_name="Ana", language="pt", created_at=now, updated_at=now
        )
        session.add(lead)
        session.flush()
        return lead.id


def send(runtime: Runtime, lead_id: int, now: datetime) -> tuple[int, Rendered]:
    """A message as delivery leaves it, and what was rendered."""
    with runtime.write() as session:
        version_id = current_version(session, "letters/welcome-1", "pt")
        assert version_id is not None
        message = Message(
            mid="m" * 26,
            lead_id=lead_id,
            template_version_id=version_id,
            state="sent",
            planned_at=now,
            due_at=now,
        )
        session.add(message)
        session.flush()
        urls = message_urls(
            LinkScheme(runtime.links, runtime.settings.base_url), message.id, lead_id, "product"
        )
        sender = From("Clara", "clara@example.com", "1 High Street")
        merge = merge_values(lead_views(session, [lead_id])[lead_id], Occasion(sender, urls, now))
        sent = render(Compiled.from_json(compiled_json(session, version_id)), merge)
        session.add(MessageContent(message_id=message.id, merge=merge, subject=sent.subject, rendered_at=now))
        return message.id, sent


def test_mail_is_rendered_again_byte_for_byte(runtime: Runtime, now: datetime) -> None:
    message_id, sent = send(runtime, add_lead(runtime, now), now)
    assert mail_as_sent(runtime, message_id) == sent
    assert view_message(runtime, message_id) == sent.html
    assert "/o/" in sent.html


def test_mail_stays_what_it_was_when_its_template_changes(
    runtime: Runtime, now: datetime, tmp_path: Path
) -> None:
    message_id, sent = send(runtime, add_lead(runtime, now), now)
    templates = tmp_path / "email_templates"
    (templates / "letters").mkdir(parents=True)
    (templates / "letters" / "welcome-1.mjml").write_text(
        "---\nkind: letter\nsubject: Other\n---\n<mjml><mj-body>"
        + section("{{ from_identity.postal_address }}{{ unsubscribe_url }}")
        + "</mj-body></mjml>"
    )
    (tmp_path / "campaigns").mkdir()
    apply(runtime, Paths(tmp_path / "campaigns", templates), now)
    assert preview_template(runtime, "letters/welcome-1").subject == "Other"
    assert mail_as_sent(runtime, message_id) == sent


def test_staff_look_without_being_counted(runtime: Runtime, now: datetime) -> None:
    message_id, sent = send(runtime, add_lead(runtime, now), now)
    seen = staff_view(runtime, message_id)
    assert seen.subject == sent.subject
    assert "/o/" not in seen.html
    assert "/c/" not in seen.html
    assert "/c/" not in seen.text


def test_preview_uses_the_lead_and_its_language(runtime: Runtime, now: datetime) -> None:
    lead_id = add_lead(runtime, now)
    seen = preview_template(runtime, "letters/welcome-1", lead_id)
    assert "Ana" in seen.text
    assert 'lang="pt"' in seen.html
    assert 'lang="fr"' in preview_template(runtime, "letters/welcome-1", lead_id, "fr").html


def test_preview_without_a_lead_uses_the_sample(runtime: Runtime) -> None:
    assert "Hannah" in preview_template(runtime, "letters/welcome-1").text
    assert "Marta Ribeiro" in preview_template(runtime, "system/alert").text


def test_system_mail_is_previewed_for_a_lead(runtime: Runtime, now: datetime) -> None:
    seen = preview_template(runtime, "system/opt-in", add_lead(runtime, now))
    assert "Quillstead" in seen.text


def test_what_is_not_there_is_told(runtime: Runtime) -> None:
    with pytest.raises(NotFound, match="no template"):
        preview_template(runtime, "letters/none")
    with pytest.raises(NotFound, match="no lead"):
        preview_template(runtime, "letters/welcome-1", 999)
    with pytest.raises(NotFound, match="no mail"):
        view_message(runtime, 999)
