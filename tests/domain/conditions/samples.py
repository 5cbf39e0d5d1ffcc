"""Leads, events and conditions for the tests: by hand, and drawn at random."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.conditions.tree import Condition, Operator
from nurture.domain.events import Event, EventKind, Verdict
from nurture.domain.timing.durations import Duration
from nurture.domain.values import CompanyView, Grade, LeadView, Lifecycle, Scalar, Score, Stage

NOW = datetime(2026, 3, 31, 10, 0, tzinfo=UTC)
HALF_LIFE = timedelta(days=30)
FIELD_TYPES = {"role": "choice", "seats": "number", "trial": "boolean", "renewal": "date", "note": "text"}

_conditions: TypeAdapter[Condition] = TypeAdapter(Condition)


def condition(fields: dict[str, Any]) -> Condition:
    """A condition as a file writes it."""
    return _conditions.validate_python(fields)


def lead(**fields: Any) -> LeadView:
    """A lead of whom little is known."""
    return LeadView(
        **{"id": 1, "address": "ana@example.com", "created_at": NOW - timedelta(days=100)} | fields
    )


def event(kind: str, *, days_ago: float = 1, **fields: Any) -> Event:
    """Something that the lead did, that many days before NOW."""
    return Event(**{"id": 1, "lead_id": 1, "kind": kind, "at": NOW - timedelta(days=days_ago)} | fields)


def snapshot(somebody: LeadView, *events: Event, **segments: Condition) -> Snapshot:
    """What is known about somebody."""
    in_order = tuple(sorted(events, key=lambda one: (one.at, one.id)))
    return Snapshot(somebody, in_order, HALF_LIFE, segments, FIELD_TYPES)


# ---- at random: few values, so that they meet ----------------------------------------------------

TEXTS = (
    "Logistics",
    "LOGISTICS",
    "Straße",
    "strasse",
    "Café",
    "cafe\u0301",
    "",
    "50-249",
    "é",
    "😀",
    "o'b\"\\%_",
)
CODES = ("fr", "FR", "É", "ana@example.com", "example.com", "Europe/Paris", "")
SIZES = ("1-9", "50-249", "1000+", "120", "many", "", "0050")
TAGS = ("vip", "Vip", "nurtured")
SEGMENTS = ("warm", "french")
CAMPAIGNS = ("welcome", "offer")
STEPS = ("hello", "nudge")
KINDS = (
    EventKind.EMAIL_CLICKED,
    EventKind.EMAIL_OPENED,
    EventKind.EMAIL_REPLIED,
    "form_submitted",
    "custom:trial",
)
DETAILS: tuple[Scalar, ...] = ("demo", "Demo", "12", 12, 12.0, 0.5, True, False, "true", None, "é😀", "")
PAST = tuple(NOW - timedelta(days=days) for days in (0, 0.5, 1, 28, 30, 31, 59, 90, 400))
LENGTHS = tuple(Duration.parse(text) for text in ("PT12H", "P1D", "P30D", "P1M", "P3M", "P1Y", "P0D"))

texts, codes = st.sampled_from(TEXTS), st.sampled_from(CODES)
instants = st.sampled_from(PAST) | st.datetimes(
    (NOW - timedelta(days=100)).replace(tzinfo=None), NOW.replace(tzinfo=None), timezones=st.just(UTC)
)
numbers = st.sampled_from([0, 1, -3, 12, 12.0, 0.5, 1e15, 49, 50])
dates = st.sampled_from(["2026-03-01", "2026-03-31", "2025-12-21", "0999-01-01", ""])
custom_fields = st.fixed_dictionaries(
    {},
    optional={
        "role": st.none() | texts,
        "seats": st.none() | numbers | texts | st.booleans(),
        "trial": st.none() | st.booleans() | st.sampled_from(["true", 1]),
        "renewal": st.none() | dates,
        "note": st.none() | texts | numbers,
    },
)
companies = st.builds(
    CompanyView,
    id=st.just(7),
    name=texts,
    domain=st.sampled_from(["", "example.com", "EXAMPLE.org"]),
    industry=st.none() | texts,
    size=st.none() | st.sampled_from(SIZES),
    country=st.sampled_from([None, "", "FR", "br"]),
    zone=st.none() | codes,
    fields=custom_fields,
)
scores = st.builds(Score, st.sampled_from([-5.0, 0.0, 1.0, 30.0, 60.0, 59.999999, 1e6]), instants)
leads = st.builds(
    LeadView,
    id=st.just(1),
    address=st.sampled_from(["ana@example.com", "ZOË@münchen.example", ""]),
    created_at=instants,
    first_name=st.none() | texts,
    last_name=st.none() | texts,
    language=st.none() | codes,
    zone=st.none() | codes,
    country=st.sampled_from([None, "", "FR", "br"]),
    lifecycle=st.sampled_from(Lifecycle),
    lifecycle_since=st.none() | instants,
    stage=st.sampled_from(Stage),
    stage_since=st.none() | instants,
    fit=st.sampled_from(Grade),
    score=st.none() | scores,
    owner_id=st.sampled_from([None, 3]),
    source=codes,
    tags=st.dictionaries(st.sampled_from(TAGS), instants),
    segments=st.dictionaries(st.sampled_from(SEGMENTS), instants),
    campaigns=st.frozensets(st.sampled_from(CAMPAIGNS)),
    company=st.none() | companies,
    fields=custom_fields,
)
events = st.lists(
    st.builds(
        Event,
        id=st.integers(-(2**63), 2**63 - 1),
        lead_id=st.just(1),
        kind=st.sampled_from([str(kind) for kind in KINDS]),
        at=instants,
        verdict=st.none() | st.sampled_from(Verdict),
        enrollment_id=st.sampled_from([None, 5, 6]),
        step=st.sampled_from([None, *STEPS]),
        data=st.dictionaries(st.sampled_from(["form", "path", "a b.c"]), st.sampled_from(DETAILS)),
    ),
    max_size=6,
    unique_by=lambda one: one.id,
).map(lambda some: tuple(sorted(some, key=lambda one: (one.at, one.id))))

field_names = st.sampled_from(
    [
        *("address", "domain", "first_name", "last_name", "language", "zone", "country", "source", "owner"),
        *("created_at", "company.name", "company.domain", "industry", "company_size", "company.country"),
        *("company.zone", *(f"custom.{name}" for name in FIELD_TYPES), "custom.undeclared"),
    ]
)
operands = (
    texts
    | codes
    | st.sampled_from(SIZES)
    | numbers
    | dates
    | st.booleans()
    | st.sampled_from(
        ["12", "0.5", "true", "no", "2026-03-01", "nan", "1e999", "3", "\x00", "\ud800", "ogist"]
    )
)
WITHOUT_VALUE = (Operator.KNOWN, Operator.UNKNOWN)
field_tests = st.one_of(
    st.builds(lambda name, op: {"field": name, "op": op}, field_names, st.sampled_from(WITHOUT_VALUE)),
    st.builds(
        lambda name, op, value: {"field": name, "op": op, "value": value},
        field_names,
        st.sampled_from([op for op in Operator if op not in (*WITHOUT_VALUE, Operator.IN)]),
        operands,
    ),
    st.builds(
        lambda name, values: {"field": name, "op": "in", "value": tuple(values)},
        field_names,
        st.lists(operands, max_size=3),
    ),
)
lengths = st.sampled_from(LENGTHS)
wheres = st.dictionaries(
    st.sampled_from(["form", "path", "a b.c", 'a"b', "é"]),
    st.lists(st.sampled_from(["demo", "12", "12.0", "0.5", "true", "é😀", "", "\x00"]), max_size=2).map(
        tuple
    ),
    max_size=2,
)
event_tests = st.builds(
    lambda kind, count, within, ever, where: {
        "event": str(kind),
        "count": count,
        "within": within,
        "ever": ever,
        "where": where,
    },
    st.sampled_from(KINDS),
    st.integers(1, 3),
    st.none() | lengths,
    st.booleans(),
    wheres,
)
thresholds = st.sampled_from([-1.0, 0.0, 0.5, 15.0, 30.0, 60.0, float("inf"), float("nan")])
held = st.one_of(
    st.builds(lambda word: {"lifecycle": word}, st.sampled_from(Lifecycle)),
    st.builds(lambda word: {"stage": word}, st.sampled_from(Stage)),
    st.builds(lambda word: {"tag": word}, st.sampled_from(TAGS)),
    st.builds(lambda word: {"segment": word}, st.sampled_from(SEGMENTS)),
)
other_tests = st.one_of(
    st.builds(
        lambda what, step: {"message": what, "step": step},
        st.sampled_from(["opened", "clicked", "replied"]),
        st.sampled_from([None, *STEPS]),
    ),
    st.builds(lambda gte: {"engagement": {"gte": gte}}, thresholds),
    st.builds(lambda gte, lt: {"engagement": {"gte": gte, "lt": lt}}, st.none() | thresholds, thresholds),
    st.builds(lambda grade: {"fit": {"at_least": grade}}, st.sampled_from(Grade)),
    st.builds(lambda words: {"lifecycle": words}, st.lists(st.sampled_from(Lifecycle), max_size=2)),
    st.builds(lambda words: {"stage": words}, st.lists(st.sampled_from(Stage), max_size=2)),
    st.builds(lambda tag: {"tag": tag}, st.sampled_from(TAGS)),
    st.builds(lambda slug: {"in_campaign": slug}, st.sampled_from(CAMPAIGNS)),
    st.builds(lambda slug: {"segment": slug}, st.sampled_from(SEGMENTS)),
    st.builds(lambda what, length: {"has_been": what, "for": length}, held, lengths),
)
tests = field_tests | event_tests | other_tests
trees = st.recursive(
    tests,
    lambda parts: st.builds(
        lambda kind, some: {kind: some}, st.sampled_from(["all", "any", "none"]), st.lists(parts, max_size=3)
    ),
    max_leaves=6,
).map(condition)
# A segment may name the other one only in one direction, so that there is no circle.
segments = st.fixed_dictionaries(
    {
        "warm": (field_tests | event_tests | st.just({"engagement": {"gte": 30}})).map(condition),
        "french": st.sampled_from(
            [
                {"field": "lead.language", "op": "is", "value": "fr"},
                {"all": [{"segment": "warm"}, {"field": "lead.country", "op": "is", "value": "fr"}]},
                {"has_been": {"segment": "warm"}, "for": "P1D"},
            ]
        ).map(condition),
    }
)
snapshots = st.builds(
    lambda somebody, some, named: Snapshot(somebody, some, HALF_LIFE, named, FIELD_TYPES),
    leads,
    events,
    segments,
)
