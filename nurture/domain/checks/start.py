"""What must be there before a campaign may send to anybody."""

from collections.abc import Iterator, Mapping

from nurture.domain.definition.campaign import CampaignDefinition, walk
from nurture.domain.definition.steps import SendStep


def hindrances(definition: CampaignDefinition, postal_addresses: Mapping[str, str]) -> Iterator[str]:
    """Why a campaign must not start, a sentence each: it needs somebody to write, with an address by post.

    `postal_addresses` are those of the identities that there are, by slug.
    That every marketing template has a way to unsubscribe is made sure when it is compiled.
    Source: CAN-SPAM Act, 15 U.S.C. 7704(a)(5)(A)(iii) (a valid physical postal address).
    """
    steps = [step for step in walk(definition.steps) if isinstance(step, SendStep)]
    named = {step.send.identity or definition.identity for step in steps}
    for slug in sorted(named):
        if slug not in postal_addresses:
            yield f'There is no identity "{slug}" to send from. Add it to organisation.yaml.'
        elif not postal_addresses[slug].strip():
            yield f'The identity "{slug}" has no postal address. Add it, or set NURTURE_POSTAL_ADDRESS.'
