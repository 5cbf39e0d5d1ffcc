"""The linter: what is wrong, or unwise, about campaigns and all that they refer to; everything as values."""

from nurture.domain.checks.catalogue import Catalogue, TemplateFacts, WrittenCampaign
from nurture.domain.checks.findings import Finding, Severity
from nurture.domain.checks.run import check
from nurture.domain.checks.start import hindrances

__all__ = ["Catalogue", "Finding", "Severity", "TemplateFacts", "WrittenCampaign", "check", "hindrances"]
