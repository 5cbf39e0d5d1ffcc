"""The shape of a campaign: steps that nobody comes to, branches that cannot choose."""

from collections.abc import Iterator

from nurture.domain.checks.catalogue import Catalogue, WrittenCampaign, sends_of, single_tests, steps_of
from nurture.domain.checks.findings import Finding, KeyPath, error, warning
from nurture.domain.conditions.tree import StageTest
from nurture.domain.definition.campaign import CampaignDefinition, arms
from nurture.domain.definition.steps import AnyStep, BranchStep, ExitStep, SplitStep


def check_campaign(catalogue: Catalogue, campaign: WrittenCampaign) -> Iterator[Finding]:
    """How the steps of one campaign lead to each other."""
    definition, file = campaign.definition, campaign.file
    yield from _unreachable(file, definition.steps, ("steps",))
    for path, step in steps_of(definition):
        if isinstance(step, BranchStep):
            yield from _branch(file, (*path, "branch"), step)
        if isinstance(step, SplitStep):
            yield from _split(file, (*path, "split"), step)
    if not any(sends_of(definition)):
        yield warning(file, ("steps",), "This campaign sends nothing. Add a send step.")
    if definition.topic is None:
        message = "Without a topic, readers can unsubscribe from all mail only. Add topic: and one of yours."
        yield warning(file, (), message)
    yield from _entry(file, definition)


def _unreachable(file: str, steps: tuple[AnyStep, ...], path: KeyPath) -> Iterator[Finding]:
    for number, step in enumerate(steps):
        kind = "branch" if isinstance(step, BranchStep) else "split"
        for position, arm in enumerate(arms(step)):
            yield from _unreachable(file, arm.steps, (*path, number, kind, position, "steps"))
        if _ends(step) and number + 1 < len(steps):
            behind = steps[number + 1].key
            message = (
                f'Nobody comes to "{behind}": everybody leaves at "{step.key}" before it. Move or remove it.'
            )
            yield error(file, (*path, number + 1), message)
            return


def _ends(step: AnyStep) -> bool:
    """Whether nobody goes on behind this step."""
    if isinstance(step, ExitStep):
        return True
    ways = arms(step)
    if not ways or (isinstance(step, BranchStep) and not any(arm.otherwise for arm in step.branch)):
        return False
    return all(any(_ends(inner) for inner in arm.steps) for arm in ways)


def _branch(file: str, path: KeyPath, step: BranchStep) -> Iterator[Finding]:
    others = [position for position, arm in enumerate(step.branch) if arm.otherwise]
    if not others:
        message = f'The branch "{step.key}" has no arm for everybody else. Add one with otherwise: true.'
        yield error(file, path, message)
    for position in others[1:]:
        yield error(file, (*path, position), "One arm with otherwise is enough. Remove this one.")
    if others and others[0] < len(step.branch) - 1:
        message = "Arms behind otherwise are never taken. Put otherwise last."
        yield error(file, (*path, others[0]), message)


def _split(file: str, path: KeyPath, step: SplitStep) -> Iterator[Finding]:
    for position, share in enumerate(step.split):
        if share.weight == 0:
            message = f'Nobody goes to "{share.key}": its weight is 0. Give it a weight or remove it.'
            yield warning(file, (*path, position, "weight"), message)


def _entry(file: str, definition: CampaignDefinition) -> Iterator[Finding]:
    entry, stage = definition.entry, definition.stage
    if entry.when is not None and entry.reentry == "always":
        message = "Whoever ends while the condition holds enters again at once. Write reentry: {after: P90D}."
        yield warning(file, ("entry", "reentry"), message)
    if stage is None or definition.stay or entry.when is None:
        return
    named = [test for _, test in single_tests(entry.when, ()) if isinstance(test, StageTest)]
    if not any(stage in test.stage for test in named):
        message = (
            f'Leads that are not in "{stage}" leave this campaign at once, and its entry does not ask for '
            f"that. Add {{stage: {stage}}} to the entry, or stay: true."
        )
        yield warning(file, ("entry", "when"), message)
