"""What campaigns send: templates that nobody gets, and readers whose language is forgotten."""

from collections.abc import Iterator

from nurture.domain.checks.catalogue import Catalogue, WrittenCampaign, sends_of
from nurture.domain.checks.findings import Finding, warning
from nurture.domain.definition.front_matter import Kind


def check_campaign(catalogue: Catalogue, campaign: WrittenCampaign) -> Iterator[Finding]:
    """Letters of one campaign that lack a language in which its other letters are written."""
    letters = [
        (path, catalogue.templates[step.send.template])
        for path, step in sends_of(campaign.definition)
        if step.send.template is not None and step.send.template in catalogue.templates
    ]
    spoken = frozenset[str]().union(*(template.languages for _, template in letters))
    for path, template in letters:
        missing = sorted(spoken - template.languages)
        if missing:
            message = (
                f'"{template.slug}" is not written in {", ".join(missing)}, unlike other letters of this '
                f"campaign; those readers get the base file. Add {template.slug}.{missing[0]}.mjml."
            )
            yield warning(campaign.file, (*path, "send", "template"), message)


def check_use(catalogue: Catalogue) -> Iterator[Finding]:
    """Templates that no campaign and no stream sends."""
    used = {
        step.send.template
        for campaign in catalogue.campaigns
        for _, step in sends_of(campaign.definition)
        if step.send.template is not None
    }
    used.update(slug for stream in catalogue.streams.streams for slug in catalogue.pieces(stream))
    for template in catalogue.templates.values():
        is_system = template.front is None or template.front.kind is Kind.SYSTEM
        if template.slug not in used and not is_system:
            message = "No campaign and no stream sends this template. Use it in one, or remove it."
            yield warning(template.file, (), message)
