"""From a lead's events to the changes of its ledger.

A ledger is settled, not extended: what the rules give for all events, in the order in which they happened,
is compared with what stands. So a late event or a revised verdict re-settles just the entries whose cap or
turn it changes, and every order of arrival ends the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nurture.domain.conditions.evaluate import has_details
from nurture.domain.definition.scoring import Cap, Scoring, ScoringRule, exact
from nurture.domain.events import Event
from nurture.domain.scoring.entries import BY_HAND, Entry, reversal, standing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Turn = tuple[str, str]
"""A rule, and what counts once for it."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What one event is worth by one rule, and what the caps cut from it."""

    event: Event
    raw: float
    cut: float


def settle(scoring: Scoring, events: Iterable[Event], entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries to append to a lead's ledger, so that what stands in it equals a fresh scoring of `events`.

    `events` and `entries` are all of the lead's; entries made by hand are left alone.
    """
    ledger = tuple(entry for entry in entries if entry.rule != BY_HAND)
    wanted = fresh(scoring, events)
    held: dict[Turn, Entry] = {(entry.rule, entry.dedupe_key): entry for entry in standing(ledger)}
    last: defaultdict[Turn, int] = defaultdict(int)
    for entry in ledger:
        turn = (entry.rule, entry.dedupe_key)
        last[turn] = max(last[turn], entry.seq)
    return tuple(_changes(wanted, held, last))


def _changes(
    wanted: Mapping[Turn, Credit], held: Mapping[Turn, Entry], last: Mapping[Turn, int]
) -> Iterator[Entry]:
    for turn, entry in held.items():
        if not _agree(entry, wanted.get(turn)):
            yield reversal(entry, seq=last[turn] + 1)
    for turn, credit in wanted.items():
        if not _agree(held.get(turn), credit):
            yield _entry(turn, credit, seq=last[turn] + (2 if turn in held else 1))


def _agree(entry: Entry | None, credit: Credit | None) -> bool:
    if entry is None or credit is None:
        return False
    return (entry.event_id, entry.raw, entry.cut) == (credit.event.id, credit.raw, credit.cut)


def _entry(turn: Turn, credit: Credit, seq: int) -> Entry:
    rule, dedupe_key = turn
    return Entry(
        rule=rule,
        dedupe_key=dedupe_key,
        seq=seq,
        raw=credit.raw,
        cut=credit.cut,
        effective_at=credit.event.at,
        event_id=credit.event.id,
    )


def fresh(scoring: Scoring, events: Iterable[Event]) -> dict[Turn, Credit]:
    """What the rules give for these events, as if none had been scored before."""
    used: defaultdict[tuple[str, int], float] = defaultdict(float)
    credits: dict[Turn, Credit] = {}
    for event in sorted(events, key=lambda event: (event.at, event.id)):
        for rule in scoring.rules_by_event.get(event.kind, ()):
            turn = (rule.key, _dedupe_key(rule, event))
            if turn not in credits and event.counts and has_details(event, rule.when.where):
                credits[turn] = Credit(event, rule.points, _cut(scoring, rule, event.at, used))
    return credits


def _dedupe_key(rule: ScoringRule, event: Event) -> str:
    if rule.once_per == "lead":
        return "lead"
    if rule.once_per == "message" and event.message_id is not None:
        return f"message:{event.message_id}"
    return f"event:{event.id}"


def _cut(
    scoring: Scoring, rule: ScoringRule, at: datetime, used: defaultdict[tuple[str, int], float]
) -> float:
    """What the rule's own and its group's cap leave no room for; the rest is used up."""
    if rule.points <= 0:
        return 0.0
    caps = list(_caps(scoring, rule, at))
    room = min((cap.points - used[window] for window, cap in caps), default=rule.points)
    cut = max(0.0, rule.points - room)
    for window, _ in caps:
        used[window] += rule.points - cut
    return cut


def _caps(scoring: Scoring, rule: ScoringRule, at: datetime) -> Iterator[tuple[tuple[str, int], Cap]]:
    """The caps over a rule, each with the window that `at` falls into."""
    if rule.cap is not None:
        yield (f"rule:{rule.key}", (at - EPOCH) // exact(rule.cap.per)), rule.cap
    if rule.group is not None:
        cap = scoring.groups[rule.group].cap
        yield (f"group:{rule.group}", (at - EPOCH) // exact(cap.per)), cap
