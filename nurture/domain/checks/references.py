"""Everything that is named must exist."""

import difflib
from collections.abc import Iterable, Iterator

from nurture.domain.checks.catalogue import Catalogue, WrittenCampaign, sends_of, steps_of
from nurture.domain.checks.findings import Finding, KeyPath, error, warning
from nurture.domain.conditions.fields import Field, Owner, find_field, problem_of
from nurture.domain.conditions.tree import FieldTest
from nurture.domain.definition.front_matter import Kind
from nurture.domain.definition.organisation import DEFAULT_IDENTITY
from nurture.domain.definition.steps import SETTABLE, Sending, UpdateStep

LADDERS = ("stage", "lifecycle")


def check_campaign(catalogue: Catalogue, campaign: WrittenCampaign) -> Iterator[Finding]:
    """Names in one campaign that nothing answers to."""
    definition, file = campaign.definition, campaign.file
    organisation = catalogue.organisation
    identities = [identity.slug for identity in organisation.identities]
    topics = [topic.slug for topic in organisation.topics]
    if definition.topic is not None and definition.topic not in topics:
        yield error(file, ("topic",), _unknown("topic", definition.topic, topics, "organisation.yaml"))
    if definition.identity == DEFAULT_IDENTITY and not identities:
        message = "Nobody is named to send from. Add an identity to organisation.yaml, or set NURTURE_FROM."
        yield warning(file, ("identity",), message)
    elif definition.identity not in identities:
        message = _unknown("identity", definition.identity, identities, "organisation.yaml")
        yield error(file, ("identity",), message)
    for path, sender in sends_of(definition):
        if sender.send.identity is not None and sender.send.identity not in identities:
            message = _unknown("identity", sender.send.identity, identities, "organisation.yaml")
            yield error(file, (*path, "send", "identity"), message)
        yield from _sending(catalogue, file, (*path, "send"), sender.send)
    for path, step in steps_of(definition):
        if isinstance(step, UpdateStep):
            yield from _update(catalogue, file, (*path, "update", "set"), step)


def _sending(catalogue: Catalogue, file: str, path: KeyPath, send: Sending) -> Iterator[Finding]:
    if send.template is not None:
        template = catalogue.templates.get(send.template)
        if template is None:
            message = _unknown("template", send.template, catalogue.templates, "email_templates/")
            yield error(file, (*path, "template"), message)
        elif template.front is not None and template.front.kind is Kind.SYSTEM:
            message = f'The template "{send.template}" is for system mails. Name another.'
            yield error(file, (*path, "template"), message)
    if send.stream is None:
        return
    stream = catalogue.stream(send.stream)
    if stream is None:
        slugs = [known.slug for known in catalogue.streams.streams]
        yield error(file, (*path, "stream"), _unknown("stream", send.stream, slugs, "streams.yaml"))
    elif (send.pick or stream.pick) == "best_match" and not (send.match or stream.match):
        message = "best_match needs fields to match by. Add match: [industry], here or to the stream."
        yield warning(file, (*path, "pick"), message)


def _update(catalogue: Catalogue, file: str, path: KeyPath, step: UpdateStep) -> Iterator[Finding]:
    for name, value in step.update.set.items():
        if name in LADDERS:
            continue
        message = problem_of(FieldTest(field=name, value=value), catalogue.field_types)
        field = None if message else find_field(name, catalogue.field_types)
        if field is not None and field.owner is not Owner.CUSTOM and not _settable(field):
            may = ", ".join(f"lead.{own}" for own in sorted(SETTABLE))
            message = f'A campaign cannot set "{name}". It sets {may} and custom.….'
        if message is not None:
            yield error(file, (*path, name), message)


def _settable(field: Field) -> bool:
    return field.owner is Owner.LEAD and field.name in SETTABLE


def check_templates(catalogue: Catalogue) -> Iterator[Finding]:
    """Topics of templates, and pieces of streams."""
    topics = [topic.slug for topic in catalogue.organisation.topics]
    for template in catalogue.templates.values():
        topic = template.front.topic if template.front else None
        if topic is not None and topic not in topics:
            yield error(template.file, ("topic",), _unknown("topic", topic, topics, "organisation.yaml"))
    file = catalogue.file("streams")
    for number, stream in enumerate(catalogue.streams.streams):
        for position, slug in enumerate(stream.pieces):
            if slug not in catalogue.templates:
                message = _unknown("template", slug, catalogue.templates, "email_templates/")
                yield error(file, ("streams", number, "pieces", position), message)
        if not catalogue.pieces(stream):
            where = f"email_templates/{stream.folder}/" if stream.folder else "its pieces"
            message = f'The stream "{stream.slug}" is empty: no template in {where}. Add one.'
            yield warning(file, ("streams", number), message)


def check_slugs(catalogue: Catalogue) -> Iterator[Finding]:
    """Two campaigns cannot share a name."""
    first: dict[str, str] = {}
    for campaign in catalogue.campaigns:
        slug = campaign.definition.slug
        if slug in first:
            message = f'The slug "{slug}" is taken by {first[slug]}. Choose another.'
            yield error(campaign.file, ("slug",), message)
        first.setdefault(slug, campaign.file)


def _unknown(kind: str, name: str, known: Iterable[str], where: str) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    hint = f' Did you mean "{near[0]}"?' if near else f" Add it to {where}, or name another."
    return f'There is no {kind} "{name}".{hint}'
