"""Who made an open or a click: a person, a proxy acting for one, or a machine; with the reasons.

Every rule adds a reason. The clues are those that security gateways and mail clients leave: see each.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.events import Verdict

SETTLES_AFTER = timedelta(seconds=60)
"""How long after a hit it is judged: a burst is known only once it is over."""

BURST = timedelta(seconds=10)
BURST_LINKS = 3
TOO_SOON = timedelta(seconds=10)
TRAP_WINDOW = timedelta(seconds=30)
CROWD_WINDOW = timedelta(seconds=60)
NEIGHBOURHOOD = timedelta(seconds=60)
"""Hits of one message that lie further apart than this say nothing of each other."""
CROWD = 5

_PROXIES = ("googleimageproxy", "yahoomailproxy")
_CLIENTS = (
    "ms-office",
    "msoffice",
    "microsoft outlook",
    "thunderbird",
    "applemail",
    "outlook-ios",
    "outlook-android",
)
_GMAIL_PREFETCH = "chrome/42.0.2311.135 safari/537.36 edge/12.246"


class HitKind(StrEnum):
    """What was asked for: the pixel, a link, a page that every mail links to, or what no person can see."""

    OPEN = "open"
    CLICK = "click"
    UNSUBSCRIBE_PAGE = "unsubscribe_page"
    VIEW_PAGE = "view_page"
    TRAP = "trap"


@dataclass(frozen=True, slots=True)
class Hit:
    """One request for a tracking address of one message.

    `crawler` is what a list of known crawlers says of the user agent; `crowd` how many messages the same
    network address asked for within `CROWD_WINDOW` of this hit.
    """

    id: int
    kind: HitKind
    at: datetime
    method: str = "GET"
    link: int | None = None
    ip: str | None = None
    user_agent: str | None = None
    crawler: bool = False
    crowd: int = 1

    @property
    def agent(self) -> str:
        """What asked, folded."""
        return (self.user_agent or "").casefold()

    @property
    def is_proxy(self) -> bool:
        """Whether it fetches for a person when the person looks."""
        return any(proxy in self.agent for proxy in _PROXIES)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the reasons for it, the strongest first."""

    verdict: Verdict
    reasons: tuple[str, ...]


def judge(hits: Sequence[Hit], delivered_at: datetime | None, links: int) -> dict[int, Judgement]:
    """Judge all hits of one message together, by hit id.

    `delivered_at` is when the receiver took the message, `links` how many tracked links it has. Judging
    again with more hits may change a verdict: that is a revision.
    """
    scene = _scene(hits, links)
    return {hit.id: _judge(hit, scene, delivered_at) for hit in hits}


def _judge(hit: Hit, scene: "_Scene", delivered_at: datetime | None) -> Judgement:
    machine = tuple(_signs_of_a_machine(hit, scene, delivered_at))
    if machine:
        return Judgement(Verdict.MACHINE, machine)
    if not hit.agent:
        return Judgement(Verdict.UNKNOWN, ("names no user agent",))
    if hit.is_proxy:
        return Judgement(Verdict.PROXY, ("an image proxy that fetches when the person opens the mail",))
    if any(client in hit.agent for client in _CLIENTS):
        return Judgement(Verdict.HUMAN, ("a mail client",))
    return Judgement(Verdict.HUMAN, ("nothing speaks against a person",))


def _signs_of_a_machine(hit: Hit, scene: "_Scene", delivered_at: datetime | None) -> Iterable[str]:
    yield from _sure_signs(hit)
    if hit.kind is not HitKind.TRAP and _near(scene.traps, hit.at, TRAP_WINDOW):
        yield "came with a hit on a link that no person can see"
    if hit.agent == "mozilla/5.0":
        # Apple's Mail Privacy Protection fetches every image like this, whether or not anybody reads.
        yield 'the user agent is just "Mozilla/5.0", as Apple\'s privacy proxy says'
    if _GMAIL_PREFETCH in hit.agent:
        yield "Gmail's prefetcher, which comes right after delivery"
    if _is_in_a_burst(hit, scene.bursts):
        yield "one of many different links asked for within ten seconds"
    elif not any(_sure_signs(hit)) and _came_from_a_machine_s_address(hit, scene):
        yield "the same network address showed itself to be a machine half a minute around"
    if delivered_at is not None and timedelta(0) <= hit.at - delivered_at < TOO_SOON:
        yield f"came {(hit.at - delivered_at).total_seconds():.0f} s after delivery"
    if hit.crowd >= CROWD and not hit.is_proxy:
        yield f"the same network address asked for {hit.crowd} messages within a minute"


def _sure_signs(hit: Hit) -> Iterable[str]:
    """What a hit by itself says for sure of whoever made it."""
    if hit.kind is HitKind.TRAP:
        yield "followed a link that no person can see"
    if hit.method not in ("GET", "POST"):
        yield f"asked with {hit.method}"
    if hit.kind is not HitKind.OPEN and hit.crawler and not _is_known_client(hit.agent):
        yield "a known crawler"


@dataclass(frozen=True, slots=True)
class _Scene:
    """What went on around a hit, as instants in order: bursts, traps, and machines by network address."""

    bursts: Sequence[datetime]
    traps: Sequence[datetime]
    machines: Mapping[str, Sequence[datetime]]


def _scene(hits: Sequence[Hit], links: int) -> _Scene:
    in_order = sorted(hits, key=lambda hit: (hit.at, hit.id))
    bursts = _bursts([hit for hit in in_order if hit.kind is not HitKind.OPEN], links)
    machines: dict[str, list[datetime]] = {}
    for hit in in_order:
        if hit.ip and (any(_sure_signs(hit)) or _is_in_a_burst(hit, bursts)):
            machines.setdefault(hit.ip, []).append(hit.at)
    return _Scene(bursts, [hit.at for hit in in_order if hit.kind is HitKind.TRAP], machines)


def _is_in_a_burst(hit: Hit, bursts: Sequence[datetime]) -> bool:
    return hit.kind is not HitKind.OPEN and _near(bursts, hit.at, BURST)


def _came_from_a_machine_s_address(hit: Hit, scene: _Scene) -> bool:
    # Scanners ask with HEAD first and with GET after, and fetch the pixel among the links.
    return not hit.is_proxy and _near(scene.machines.get(hit.ip or "", ()), hit.at, TRAP_WINDOW)


def _near(instants: Sequence[datetime], at: datetime, window: timedelta) -> bool:
    """Whether one of these instants, which are in order, lies within the window around `at`."""
    place = bisect_left(instants, at - window)
    return place < len(instants) and instants[place] <= at + window


def _is_known_client(agent: str) -> bool:
    # Lists of crawlers call image proxies and desktop Outlook crawlers, although people sit behind them.
    return any(word in agent for word in (*_PROXIES, *_CLIENTS))


def _bursts(clicks: Sequence[Hit], links: int) -> tuple[datetime, ...]:
    """The instants at which a burst of requests for different addresses of the mail began, in order."""
    found: list[datetime] = []
    window: Counter[tuple[HitKind, int | None]] = Counter()
    end = 0
    for start, first in enumerate(clicks):
        while end < len(clicks) and clicks[end].at - first.at <= BURST:
            window[clicks[end].kind, clicks[end].link] += 1
            end += 1
        if _is_burst(window, links):
            found.append(first.at)
        _take_one(window, (clicks[start].kind, clicks[start].link))
    return tuple(found)


def _is_burst(window: Counter[tuple[HitKind, int | None]], links: int) -> bool:
    """Many different addresses, or all the links that the mail has."""
    clicked = sum(kind is HitKind.CLICK for kind, _ in window)
    return len(window) >= BURST_LINKS or 2 <= links <= clicked


def _take_one(window: Counter[tuple[HitKind, int | None]], address: tuple[HitKind, int | None]) -> None:
    window[address] -= 1
    if not window[address]:
        del window[address]
