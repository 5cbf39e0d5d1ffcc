"""What the ladders wait for: the kinds of events that they ask about, and what time alone will change."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from nurture.domain.conditions import recheck
from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.conditions.tree import Condition
from nurture.domain.definition.ladders import Ladders
from nurture.domain.lifecycle.moves import Rule, dwelt
from nurture.domain.react import kinds_counted


def recheck_at(snapshot: Snapshot, ladders: Ladders, now: datetime) -> datetime | None:
    """When time alone may next let a rule move the lead; `None` where only an event or an edit can."""
    lead = snapshot.lead
    on_lifecycle = [rule for rule in ladders.lifecycle.rules if lead.lifecycle in rule.from_]
    on_stage = [
        rule
        for rule in ladders.stage.rules
        if lead.stage in rule.from_ and rule.to in ladders.allowed(lead.lifecycle)
    ]
    moments = [
        *_moments(on_lifecycle, snapshot, (lead.lifecycle_since, lead.lifecycle_pinned_until), now),
        *_moments(on_stage, snapshot, (lead.stage_since, lead.stage_pinned_until), now),
    ]
    return min(moments, default=None)


def _moments(
    rules: Iterable[Rule],
    snapshot: Snapshot,
    standing: tuple[datetime | None, datetime | None],
    now: datetime,
) -> Iterator[datetime]:
    """When each rule is to be tried: once pin and dwell are over, and then when its condition may change."""
    since, pinned_until = standing
    for rule in rules:
        free_at = max(dwelt(rule, since or snapshot.lead.created_at), pinned_until or now)
        moment = free_at if free_at > now else recheck.recheck_at([rule.when], snapshot, now)
        if moment is not None:
            yield moment


def event_kinds(ladders: Ladders, segments: Mapping[str, Condition]) -> frozenset[str]:
    """The kinds of events that the rules of both ladders count."""
    rules: tuple[Rule, ...] = (*ladders.lifecycle.rules, *ladders.stage.rules)
    return kinds_counted([rule.when for rule in rules], segments)
