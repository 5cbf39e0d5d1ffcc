"""Random campaigns, leads and moments for property tests of decisions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.decide import Context, Flow, Passage, compile_flow
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.events import Event, EventKind, Verdict
from nurture.domain.streams import Piece, Stream
from nurture.domain.timing.windows import QuietHours
from nurture.domain.timing.zones import zone_named
from nurture.domain.values import LeadView, Lifecycle, Stage

START = datetime(2026, 3, 27, 22, 0, tzinfo=UTC)
"""The Friday before clocks go forward in Europe."""

ZONES = ("UTC", "Europe/Lisbon", "Australia/Lord_Howe", "America/New_York", "Pacific/Apia", "Asia/Kolkata")
DURATIONS = ("PT1S", "PT4H", "P1D", "P3D", "P1M")
STREAM = Stream("studies", tuple(Piece(f"studies/{number}", number) for number in range(3)))

conditions = st.sampled_from(
    [
        {"lifecycle": "customer"},
        {"stage": "interest"},
        {"tag": "vip"},
        {"event": "email_clicked"},
        {"event": "demo_requested", "ever": True},
        {"message": "clicked"},
        {"engagement": {"gte": 10}},
        {"none": [{"tag": "vip"}]},
        {"has_been": {"stage": "awareness"}, "for": "P2D"},
    ]
)

windows = st.none() | st.fixed_dictionaries(
    {
        "days": st.lists(
            st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, unique=True
        ),
        "from": st.sampled_from(["00:00", "09:00", "22:00"]),
        "to": st.sampled_from(["02:00", "17:00", "24:00"]),
        "zone": st.sampled_from(["lead", "Europe/Paris"]),
    }
)

_sends = st.one_of(
    st.just({"template": "letters/one"}),
    st.just({"stream": "studies"}),
    st.builds(
        lambda every, until: {"stream": "studies", "every": every, **({"until": until} if until else {})},
        st.sampled_from(DURATIONS),
        st.none() | st.integers(1, 5),
    ),
)
_waits = st.builds(
    lambda wait, early: {**wait, **({"or_until": early} if early else {})},
    st.one_of(
        st.builds(lambda length: {"for": length}, st.sampled_from(DURATIONS)),
        st.just({"until": {"weekday": "tue", "at": "01:30"}}),
        st.just({"until": {"date": "2026-03-29", "at": "02:30"}}),
    ),
    st.none() | conditions,
)


def _leaf(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["send", "send", "wait", "wait", "update", "notify", "exit"]))
    match kind:
        case "send":
            step: dict[str, Any] = {"send": draw(_sends)}
            window = draw(windows | st.just("any"))
            return {**step, "window": window} if window else step
        case "wait":
            return {"wait": draw(_waits)}
        case "update":
            return {"update": draw(st.sampled_from([{"tags": ["vip"]}, {"set": {"stage": "interest"}}]))}
        case "notify":
            return {"notify": {"owner": True, "due": "PT4H"}}
        case _:
            return {"exit": {"reason": "done"}}


@st.composite
def _steps(draw: st.DrawFn, depth: int = 2) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0 if depth < 2 else 1, 4))):
        kind = draw(st.sampled_from(["leaf", "leaf", "leaf", "branch", "split"] if depth else ["leaf"]))
        if kind == "leaf":
            steps.append(_leaf(draw))
        elif kind == "branch":
            arms = [
                {"when": draw(conditions), "steps": draw(_steps(depth - 1))}
                for _ in range(draw(st.integers(0, 2)))
            ]
            other = (
                [{"otherwise": True, "steps": draw(_steps(depth - 1))}]
                if draw(st.booleans()) or not arms
                else []
            )
            steps.append({"branch": [*arms, *other]})
        else:
            steps.append({"split": [{"weight": 1, "steps": draw(_steps(depth - 1))} for _ in range(2)]})
    return steps


def _keyed(steps: list[dict[str, Any]], count: Callable[[], int]) -> list[dict[str, Any]]:
    """The same tree with a key on every step and arm."""
    keyed = []
    for step in steps:
        named = {**step, "key": f"k{count()}"}
        for kind in ("branch", "split"):
            if kind in step:
                named[kind] = [
                    {**arm, "key": f"k{count()}", "steps": _keyed(arm["steps"], count)} for arm in step[kind]
                ]
        keyed.append(named)
    return keyed


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Campaigns of every shape, ready for walking."""
    numbers = iter(range(1000))
    body: dict[str, Any] = {
        "slug": "random",
        "name": "Random",
        "entry": {"manual": True},
        "steps": _keyed(draw(_steps()), lambda: next(numbers)),
        "on_reply": draw(st.sampled_from(["pause", "continue"])),
        "exit": draw(st.lists(conditions, max_size=1)),
    }
    if draw(st.booleans()):
        body["goal"] = draw(
            st.sampled_from([{"event": "demo_requested", "within": "P5D"}, {"when": {"tag": "won"}}])
        )
    if draw(st.booleans()):
        body |= {"stage": "awareness", "stay": draw(st.booleans())}
    window = draw(windows)
    if window:
        body["window"] = window
    return compile_flow(CampaignDefinition.model_validate(body))


instants = st.integers(0, 20 * 24 * 3600).map(lambda seconds: START + timedelta(seconds=seconds))

events = st.lists(
    st.builds(
        lambda number, kind, at: Event(
            id=number, lead_id=1, kind=kind, at=at, verdict=Verdict.HUMAN, enrollment_id=1, step="k0"
        ),
        st.integers(1, 10**6),
        st.sampled_from([EventKind.EMAIL_CLICKED, EventKind.EMAIL_OPENED, EventKind.DEMO_REQUESTED]),
        instants,
    ),
    max_size=2,
)

leads = st.builds(
    LeadView,
    id=st.integers(1, 50),
    address=st.just("ana@example.com"),
    created_at=st.just(START - timedelta(days=100)),
    lifecycle=st.sampled_from([Lifecycle.LEAD, Lifecycle.LEAD, Lifecycle.CUSTOMER]),
    stage=st.sampled_from([Stage.AWARENESS, Stage.AWARENESS, Stage.INTEREST]),
    stage_since=st.none() | instants,
    mailable=st.sampled_from([True, True, True, False]),
    conversation_since=st.none() | st.just(START),
    paused_until=st.none() | instants,
    tags=st.dictionaries(st.sampled_from(["vip", "won"]), st.just(START), max_size=1),
)


@st.composite
def contexts(draw: st.DrawFn, lead: st.SearchStrategy[LeadView] = leads) -> Context:
    """What decisions may know, of every sort."""
    happened = tuple(sorted(draw(events), key=lambda event: (event.at, event.id)))
    return Context(
        snapshot=Snapshot(draw(lead), happened, timedelta(days=30)),
        zone=zone_named(draw(st.sampled_from(ZONES))),
        read=frozenset(draw(st.sets(st.sampled_from([piece.slug for piece in STREAM.pieces])))),
        streams={"studies": STREAM},
        holidays={},
        quiet=draw(st.none() | st.just(QuietHours.parse("21:00", "07:00"))),
    )


@st.composite
def passages(draw: st.DrawFn, flow: Flow, now: datetime) -> Passage:
    """Passages that stand anywhere in a flow, in any state that a passage may be in."""
    fresh = Passage(
        id=1,
        lead_id=1,
        campaign="random",
        version_id=1,
        position=None,
        since=now - timedelta(days=draw(st.integers(0, 5))),
        occurrence=0,
        entered_at=now - timedelta(days=draw(st.integers(5, 9))),
    )
    held = draw(st.none() | st.integers(-5, 5).map(lambda days: now + timedelta(days=days)))
    return replace(
        fresh,
        position=draw(st.none() | st.sampled_from(sorted(flow.steps))),
        occurrence=draw(st.integers(0, 3)),
        held_until=held,
        frozen=draw(st.none() | st.just(timedelta(hours=5))),
        skips=draw(st.booleans()),
    )
