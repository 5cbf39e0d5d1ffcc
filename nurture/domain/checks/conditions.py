"""Conditions, wherever they stand: what they name must exist, and what they compare must fit."""

from collections.abc import Iterator

from nurture.domain.checks.catalogue import (
    Catalogue,
    WrittenCampaign,
    entry_conditions,
    passage_conditions,
    sends_of,
    single_tests,
)
from nurture.domain.checks.findings import Finding, KeyPath, error, warning
from nurture.domain.conditions.references import Vocabulary, check_segments, problems
from nurture.domain.conditions.tree import Condition, FieldTest, MessageTest
from nurture.domain.definition.ladders import Ladders


def check_campaign(catalogue: Catalogue, campaign: WrittenCampaign) -> Iterator[Finding]:
    """The conditions of one campaign."""
    definition, file = campaign.definition, campaign.file
    senders = {step.key: path for path, step in sends_of(definition)}
    outside, inside = _vocabulary(catalogue), _vocabulary(catalogue, frozenset(senders))
    for path, condition in entry_conditions(definition):
        yield from _condition(catalogue, file, path, condition, outside)
    for path, condition in passage_conditions(definition):
        yield from _condition(catalogue, file, path, condition, inside)
        yield from _later_steps(file, path, condition, senders)
    audience = definition.entry.audience
    if audience is not None and audience.segment is not None and audience.segment not in outside.segments:
        message = f'There is no segment "{audience.segment}". Define it in segments.yaml, or name another.'
        yield error(file, ("entry", "audience", "segment"), message)


def _later_steps(
    file: str, path: KeyPath, condition: Condition, senders: dict[str, KeyPath]
) -> Iterator[Finding]:
    """A step's message can be answered only after the step."""
    if path[0] != "steps":
        return
    for place, test in single_tests(condition, path):
        if isinstance(test, MessageTest) and test.step in senders and senders[test.step] > path[:-2]:
            message = (
                f'The step "{test.step}" comes later, so nobody has its message yet. Name an earlier one.'
            )
            yield warning(file, place, message)


def check_settings(catalogue: Catalogue) -> Iterator[Finding]:
    """The conditions of segments, ladders and fit, and circles between segments."""
    vocabulary = _vocabulary(catalogue)
    file = catalogue.file("segments")
    circles = check_segments({segment.slug: segment.when for segment in catalogue.segments.segments})
    for number, segment in enumerate(catalogue.segments.segments):
        path: KeyPath = ("segments", number, "when")
        yield from _condition(catalogue, file, path, segment.when, vocabulary)
        if segment.slug in circles:
            yield error(file, path, circles[segment.slug])
    if catalogue.ladders is not None:
        for name, conditions in _ladders(catalogue.ladders).items():
            for number, condition in enumerate(conditions):
                path = (name, "rules", number, "when")
                yield from _condition(catalogue, catalogue.file("lifecycle"), path, condition, vocabulary)
    if catalogue.scoring is not None:
        for number, fit_rule in enumerate(catalogue.scoring.fit.rules):
            path = ("fit", "rules", number, "when")
            yield from _condition(catalogue, catalogue.file("scoring"), path, fit_rule.when, vocabulary)


def _ladders(ladders: Ladders) -> dict[str, list[Condition]]:
    return {
        "lifecycle": [rule.when for rule in ladders.lifecycle.rules],
        "stage": [rule.when for rule in ladders.stage.rules],
    }


def _condition(
    catalogue: Catalogue, file: str, path: KeyPath, condition: Condition, vocabulary: Vocabulary
) -> Iterator[Finding]:
    told: set[str] = set()
    for place, test in single_tests(condition, path):
        for message in problems(test, vocabulary):
            told.add(message)
            yield error(file, place, message)
        yield from _choices(catalogue, file, place, test)
    for message in problems(condition, vocabulary):
        # What is wrong with single tests was told where they stand; this is about the whole.
        if message not in told:
            yield error(file, path, message)


def _choices(catalogue: Catalogue, file: str, path: KeyPath, test: Condition) -> Iterator[Finding]:
    """A choice that nobody can make is never met."""
    if not isinstance(test, FieldTest) or not test.field.startswith("custom."):
        return
    name = test.field.removeprefix("custom.")
    choices = next((own.choices for own in catalogue.organisation.fields if own.name == name), ())
    wanted = test.value if isinstance(test.value, tuple) else (test.value,)
    for value in wanted:
        if choices and value is not None and str(value) not in choices:
            message = f'"{value}" is none of the choices of {test.field}: {", ".join(choices)}.'
            yield warning(file, (*path, "value"), message)


def _vocabulary(catalogue: Catalogue, steps: frozenset[str] | None = None) -> Vocabulary:
    return Vocabulary(
        field_types=catalogue.field_types,
        segments=frozenset(segment.slug for segment in catalogue.segments.segments),
        campaigns=frozenset(campaign.definition.slug for campaign in catalogue.campaigns),
        steps=steps,
    )
