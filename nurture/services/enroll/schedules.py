"""Campaigns with a schedule: its instants are found once, and its audience is let in by portions."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from nurture.domain.conditions.tree import Condition, SegmentTest
from nurture.domain.timing.schedules import Schedule, fires_between, next_fire
from nurture.domain.timing.windows import LEAD
from nurture.domain.timing.zones import zone_named, zone_of
from nurture.services.enroll.admit import Candidate, admit, history, refusal
from nurture.services.enroll.programmes import Programme, running
from nurture.services.house import load_house
from nurture.services.runtime import Runtime
from nurture.services.sets import set_context
from nurture.store import fires as store
from nurture.store.fires import DueFire, NewFire, Whereabouts
from nurture.store.leads import lead_views
from nurture.store.segments import compile_condition

TOO_LATE = timedelta(hours=24)
"""An instant that is found so late is not fired without asking."""

LOOK_AGAIN = timedelta(minutes=15)
"""Leads may come in zones that nobody lived in before, so nothing is foreseen for longer."""

PORTION = 200
"""Leads let in by one transaction."""


def fire_schedules(runtime: Runtime, now: datetime, limit: int) -> int:
    """Find the instants that have come, and let in at most `limit` leads; returns how many were looked at."""
    _find_instants(runtime, now)
    done = 0
    while done < limit:
        with runtime.read() as session:
            waiting = store.due_fires(session)
        looked = [_let_in(runtime, fire, now) for fire in waiting[:1]]
        if not any(looked):
            return done
        done += sum(looked)
    return done


def _find_instants(runtime: Runtime, now: datetime) -> None:
    with runtime.read() as session:
        scheduled = [programme for programme in running(session) if programme.entry.schedule is not None]
        wanted = store.campaigns_to_look_at(session, [programme.id for programme in scheduled], now)
    for programme in scheduled:
        if programme.id in wanted:
            with runtime.write() as session:
                _note_instants(session, programme, runtime.settings.zone, now)


def _note_instants(session: Session, programme: Programme, house_zone: str, now: datetime) -> None:
    """Write down what has come in each zone since the last time, and when the next instant comes."""
    schedule, last = _schedule(programme), store.last_instants(session, programme.id)
    started_at = programme.state.started_at or now
    moments = [now + LOOK_AGAIN]
    for name in _zones(session, programme, house_zone):
        zone, since = zone_named(name), max(started_at, last.get(name, started_at))
        came = fires_between(
            schedule, since + timedelta(microseconds=1), now + timedelta(microseconds=1), zone
        )
        store.note_fires(session, list(_fires(programme.id, name, came, now)), now)
        coming = next_fire(schedule, now, zone)
        moments += [] if coming is None else [coming]
    store.look_again_at(session, programme.id, min(moments))


def _fires(campaign_id: int, zone: str, came: Sequence[datetime], now: datetime) -> Iterator[NewFire]:
    """Of several instants that were missed, for example while the machine was off, only the last counts."""
    for instant in came[:-1]:
        yield NewFire(campaign_id, instant, zone, store.MISSED)
    for instant in came[-1:]:
        yield NewFire(campaign_id, instant, zone, store.DUE if now - instant < TOO_LATE else store.ASKS)


def _schedule(programme: Programme) -> Schedule:
    schedule = programme.entry.schedule
    return Schedule.parse(schedule.cron if schedule else "")


def _zones(session: Session, programme: Programme, house_zone: str) -> set[str]:
    schedule = programme.entry.schedule
    if schedule is not None and schedule.zone != LEAD:
        return {schedule.zone}
    return {_zone_name(place, programme, house_zone) for place in store.whereabouts(session)}


def _zone_name(place: Whereabouts, programme: Programme, house_zone: str) -> str:
    return zone_of(place.as_lead(), programme.flow.definition.zone, house_zone).key


def _let_in(runtime: Runtime, fire: DueFire, now: datetime) -> int:
    """Let in the next portion of a firing's audience; returns how many leads were looked at, at least 1."""
    with runtime.write() as session:
        programme = next((one for one in running(session) if one.id == fire.campaign_id), None)
        if programme is None or not store.hold_fire(session, fire):
            return 0
        lead_ids = _portion(session, programme, fire, runtime.settings.zone, now)
        cause = f"schedule:{fire.instant.isoformat()}"
        views = lead_views(session, lead_ids)
        candidates = [Candidate(programme, views[lead_id], cause) for lead_id in lead_ids]
        passed = history(session, [programme], lead_ids)
        able = [one for one in candidates if refusal(one, passed, runtime.settings.zone, now) is None]
        entered = admit(session, able, now)
        reached = lead_ids[-1] if len(lead_ids) == PORTION else None
        store.advance_fire(session, fire, reached, len(entered))
    return max(1, len(lead_ids))


def _portion(
    session: Session, programme: Programme, fire: DueFire, house_zone: str, now: datetime
) -> tuple[int, ...]:
    house = load_house(session)
    meets = compile_condition(_audience(programme), set_context(session, house, now))
    schedule = programme.entry.schedule
    places: Iterable[Whereabouts] | None = None
    if schedule is None or schedule.zone == LEAD:
        everywhere = store.whereabouts(session)
        places = [place for place in everywhere if _zone_name(place, programme, house_zone) == fire.zone]
    return store.audience(session, meets, places, fire, PORTION)


def _audience(programme: Programme) -> Condition:
    audience = programme.entry.audience
    if audience is not None and audience.when is not None:
        return audience.when
    return SegmentTest(segment=audience.segment if audience and audience.segment else "")
