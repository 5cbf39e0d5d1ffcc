"""New scoring rules beside those that count: built piece by piece, compared, and then switched to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from nurture.domain.definition.scoring import Band, Scoring
from nurture.domain.errors import ConflictError
from nurture.domain.scoring.decay import threshold_heat
from nurture.domain.scoring.entries import BY_HAND, Entry
from nurture.domain.scoring.shown import shows_from
from nurture.services.house import Generation, House, load_house
from nurture.services.runtime import Runtime
from nurture.services.scores import rescore, write
from nurture.store import generations as store
from nurture.store import scores
from nurture.store.inbox import lock_leads, settled_events
from nurture.store.leads import mark_all_dirty

FORGET_AT_ONCE = 1000


def install(session: Session, now: datetime) -> House:
    """Begin to keep scores, by the rules that were applied or the built-in ones, unless that was done."""
    house = load_house(session)
    if house.active is None:
        store.first(session, house.scoring, now)
        house = load_house(session)
    return house


def begin(runtime: Runtime, scoring: Scoring, now: datetime) -> int | None:
    """Start a generation by these rules; an unfinished one is given up.

    Returns its number, or `None` where the rules score as the active ones do. New events feed it from now on,
    `build` brings in the past, `switch` makes it count; where nothing was scored yet it counts at once.
    """
    with runtime.write() as session:
        active = install(session, now).active
        given_up = store.give_up_unfinished(session)
        if active is None or _score_alike(active.scoring, scoring):
            number = None
        else:
            number = store.begin(session, scoring, now)
            if store.is_empty(session, active.id):
                store.switch(session, number, now)
    for unfinished in given_up:
        _forget(runtime, unfinished)
    return number


def _score_alike(one: Scoring, other: Scoring) -> bool:
    """Whether both give the same engagement; names, bands and fit need no new ledger."""
    return _what_scores(one) == _what_scores(other)


def _what_scores(scoring: Scoring) -> tuple[object, ...]:
    rules = [rule.model_copy(update={"name": ""}) for rule in scoring.rules]
    return scoring.half_life_exact, scoring.groups, rules


def _forget(runtime: Runtime, number: int) -> None:
    gone = 1
    while gone:
        with runtime.write() as session:
            gone = store.forget(session, number, FORGET_AT_ONCE)


def build(runtime: Runtime, now: datetime, chunk: int = 200) -> int:
    """Score the next leads by the rules that are being built; returns how many leads."""
    with runtime.write() as session:
        claimed = store.claim_build(session)
        building = load_house(session).building
        if claimed is None or building is None:
            return 0
        leads = store.leads_after(session, claimed[1], chunk)
        if not leads:
            store.built(session, building.id)
            return 0
        _build(session, load_house(session), building, leads, now)
        store.built_to(session, building.id, leads[-1])
        return len(leads)


def _build(
    session: Session, house: House, building: Generation, leads: tuple[int, ...], now: datetime
) -> None:
    lock_leads(session, leads, wait=True)
    kinds = {rule.when.event for rule in building.scoring.rules}
    ledgers = rescore(session, [building], leads, settled_events(session, leads, kinds), now)
    _copy_what_was_given_by_hand(session, house, building, ledgers, now)


def _copy_what_was_given_by_hand(
    session: Session, house: House, building: Generation, ledgers: scores.Ledgers, now: datetime
) -> None:
    if house.active is None:
        return
    leads = [lead_id for _, lead_id in ledgers]
    missing: dict[tuple[int, int], tuple[Entry, ...]] = {}
    for (_, lead_id), entries in scores.ledgers(session, [house.active.id], leads).items():
        held = {entry.dedupe_key for entry in ledgers.get((building.id, lead_id), ())}
        missing[building.id, lead_id] = tuple(
            entry for entry in entries if entry.rule == BY_HAND and entry.dedupe_key not in held
        )
    write(session, [building], ledgers, {key: entries for key, entries in missing.items() if entries}, now)


@dataclass(frozen=True, slots=True)
class Distribution:
    """How many leads are in each band of engagement, `1` to `4`."""

    before: Mapping[str, int]
    after: Mapping[str, int]


def distribution(session: Session, now: datetime) -> Distribution:
    """The leads by band as the active rules see them, and as those that are being built do.

    Raises:
        ConflictError: nothing is being built.
    """
    house = load_house(session)
    if house.active is None or house.building is None:
        raise ConflictError("No scoring rules are waiting. Apply a changed scoring.yaml first.")
    return Distribution(
        before=_bands(session, house.active, house.scoring.bands, now),
        after=_bands(session, house.building, house.scoring.bands, now),
    )


def _bands(
    session: Session, generation: Generation, bands: Mapping[Band, float], now: datetime
) -> dict[str, int]:
    half_life = generation.scoring.half_life_exact
    above = 0
    counts: dict[str, int] = {}
    for band, least in sorted(bands.items()):
        reached = store.count_at_least(
            session, generation.id, threshold_heat(shows_from(least), now, half_life)
        )
        counts[band] = reached - above
        above = reached
    return {**counts, "4": store.count_leads(session) - above}


def switch(runtime: Runtime, now: datetime) -> int:
    """Let the rules that were built count from now on; returns their number. Every lead is looked at again.

    Raises:
        ConflictError: they are not built yet, or nothing is being built.
    """
    with runtime.write() as session:
        number = store.ready(session)
        if number is None:
            raise ConflictError(
                "No scoring rules are ready. Apply a changed scoring.yaml, and let it be built."
            )
        store.switch(session, number, now)
        mark_all_dirty(session, now)
        return number
