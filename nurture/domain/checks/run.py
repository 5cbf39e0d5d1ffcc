"""All rules over all files."""

from nurture.domain.checks import conditions, content, flow, references, timing
from nurture.domain.checks.catalogue import Catalogue
from nurture.domain.checks.findings import Finding

_OF_A_CAMPAIGN = (
    references.check_campaign,
    conditions.check_campaign,
    flow.check_campaign,
    timing.check_campaign,
    content.check_campaign,
)
_OF_ALL = (
    references.check_slugs,
    references.check_templates,
    conditions.check_settings,
    content.check_use,
)


def check(catalogue: Catalogue) -> tuple[Finding, ...]:
    """Everything that is wrong or unwise, file by file."""
    found = [finding for rule in _OF_ALL for finding in rule(catalogue)]
    for campaign in catalogue.campaigns:
        found += (finding for rule in _OF_A_CAMPAIGN for finding in rule(catalogue, campaign))
    return tuple(sorted(found, key=lambda finding: finding.file))
