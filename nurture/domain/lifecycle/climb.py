"""A lead's way up and down the ladders through events that have just become known."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.definition.ladders import Ladders
from nurture.domain.events import Event
from nurture.domain.lifecycle.moves import Move, advance, landed
from nurture.domain.scoring.decay import add
from nurture.domain.scoring.entries import Entry
from nurture.domain.values import LeadView, Score


def climb(
    snapshot: Snapshot, entries: Sequence[Entry], ladders: Ladders, news: Iterable[Event], now: datetime
) -> tuple[Move, ...]:
    """The moves that the rules make at the moment of each of the events in `news`, and at last at `now`.

    Each moment sees the lead as it stood then, so that two events which are processed together move it as if
    each had been processed when it happened.
    """
    lead = snapshot.lead
    caused_by = _since_it_came(lead, news, now)
    moments = sorted({*caused_by, now})
    times = [event.at for event in snapshot.events]
    moves: tuple[Move, ...] = ()
    for moment, score in zip(moments, _scores(entries, moments, snapshot.half_life), strict=True):
        events = snapshot.events[: bisect_right(times, moment)]
        seen = replace(snapshot, lead=replace(lead, score=score), events=events)
        step = advance(seen, ladders, moment)
        lead = landed(lead, step)
        moves += tuple(replace(move, event_id=caused_by.get(moment)) for move in step)
    return moves


def _since_it_came(lead: LeadView, news: Iterable[Event], now: datetime) -> dict[datetime, int]:
    """The events by their moments, without those from before the lead came to the rungs on which it stands.

    What counted on a rung that it has left is the past.
    """
    came = [since for since in (lead.lifecycle_since, lead.stage_since) if since is not None]
    return {
        event.at: event.id for event in news if event.at <= now and all(event.at >= since for since in came)
    }


def _scores(
    entries: Sequence[Entry], moments: Sequence[datetime], half_life: timedelta
) -> Iterator[Score | None]:
    """The score at each of the moments, which rise."""
    waiting = sorted(entries, key=lambda entry: entry.effective_at, reverse=True)
    score: Score | None = None
    for moment in moments:
        while waiting and waiting[-1].effective_at <= moment:
            entry = waiting.pop()
            score = add(score, entry.net, entry.effective_at, half_life)
        yield score
