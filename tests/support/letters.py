"""Small templates for tests: a layout with what the law asks for, and bodies of one section."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nurture.content.compile import Compiled, compile_template
from nurture.content.library import TemplateFile, parse_library
from nurture.content.links import LinkScheme, MessageUrls, message_urls
from nurture.content.render import Rendered, render
from nurture.content.values import CampaignRef, From, Occasion, merge_values
from nurture.domain.errors import TemplateError
from nurture.domain.values import CompanyView, LeadView
from nurture.tokens import LinkKeys

LAYOUT = """\
<mjml lang="en">
  <mj-head>
    <mj-title><!-- subject --></mj-title>
    <mj-preview><!-- preheader --></mj-preview>
  </mj-head>
  <mj-body>
    <!-- slot -->
    <mj-section><mj-column>
      <mj-text>{{ from_identity.postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
KEYS = LinkKeys.parse("1:" + "k" * 40)
BASE = "https://n.example"
URLS = message_urls(LinkScheme(KEYS, BASE), 7, 3, "news")
SENDER = From("Ana Reis", "ana@example.com", "Example Ltd, 1 High Street")


def section(content: str) -> str:
    """MJML for a slot, with `content` in a text."""
    return f"<mj-section><mj-column><mj-text>{content}</mj-text></mj-column></mj-section>\n"


def template(body: str, *, layout: str | None = LAYOUT, **front: str) -> TemplateFile:
    """A template file; the body begins on line 6 where nothing is added to its front matter."""
    head = {"kind": "letter", "layout": "plain", "subject": "Hello", **front}
    if layout is None:
        del head["layout"]
    lines = "".join(f"{key}: {value}\n" for key, value in head.items())
    texts = {"letters/one.mjml": f"---\n{lines}---\n{body}"}
    if layout is not None:
        texts["_layouts/plain.mjml"] = layout
    library, problems = parse_library(texts, "email_templates")
    if problems:
        raise TemplateError(*problems)
    return library.templates[0]


def compiled(body: str, **front: str) -> Compiled:
    """A compiled template whose text holds `body`."""
    return compile_template(template(section(body), **front), ["role"])


def lead(**changes: Any) -> LeadView:
    """A lead called Ana Reis, of a company."""
    company = CompanyView(1, name="Reis & Sons", domain="reis.example", industry="logistics", size="10-49")
    values: dict[str, Any] = {"first_name": "Ana", "last_name": "Reis", "language": "pt", "company": company}
    return LeadView(3, "ana.reis@reis.example", NOW, **{**values, **changes})


def values(urls: MessageUrls = URLS, **changes: Any) -> Mapping[str, Any]:
    """Merge values for that lead."""
    campaign = CampaignRef("welcome", "Welcome")
    return merge_values(lead(**changes), Occasion(SENDER, urls, NOW, campaign, custom=("role",)))


def rendered(body: str, urls: MessageUrls = URLS, **changes: Any) -> Rendered:
    """A text in a letter, rendered for that lead."""
    return render(compiled(body), values(urls, **changes))
