"""What the database holds of everything that files describe."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from nurture.content.campaign_files import SETTINGS
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.definition.front_matter import FrontMatter
from nurture.store import campaigns as campaign_store
from nurture.store import documents as document_store
from nurture.store import templates as template_store
from nurture.store.campaigns import StoredCampaign
from nurture.store.documents import StoredDocument
from nurture.store.templates import CurrentTemplate


@dataclass(frozen=True, slots=True)
class Stored:
    """Documents by name, campaigns by slug, templates by slug and language."""

    documents: Mapping[str, StoredDocument] = field(default_factory=dict)
    campaigns: Mapping[str, StoredCampaign] = field(default_factory=dict)
    templates: Mapping[tuple[str, str], CurrentTemplate] = field(default_factory=dict)
    fronts: Mapping[str, FrontMatter] = field(default_factory=dict)

    def settings(self, name: str) -> BaseModel | None:
        """The settings called `name`, if they were applied and can be read."""
        found = self.documents.get(name)
        if found is None:
            return None
        try:
            return SETTINGS[name].model_validate(found.body)
        except ValidationError:
            return None

    def definition(self, slug: str) -> CampaignDefinition | None:
        """The newest definition of a campaign, if it can be read."""
        found = self.campaigns.get(slug)
        try:
            return CampaignDefinition.model_validate(found.definition) if found else None
        except ValidationError:
            return None


def load_stored(session: Session) -> Stored:
    """Everything, with a few statements."""
    templates = template_store.current_templates(session)
    return Stored(
        documents=document_store.documents(session),
        campaigns={campaign.slug: campaign for campaign in campaign_store.newest(session)},
        templates={(template.slug, template.language): template for template in templates},
        fronts=template_store.fronts(session),
    )
