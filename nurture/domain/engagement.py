"""Who made an open or a click: a person, a proxy acting for one, or a machine; with the reasons.

Every rule adds a reason. The clues are those that security gateways and mail clients leave: see each.
"""

from collections.abc import Iterable, Sequence
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
    """What was asked for: the pixel, a link, or a link that no person can see."""

    OPEN = "open"
    CLICK = "click"
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
    bursts = _bursts(hits, links)
    traps = [hit.at for hit in hits if hit.kind is HitKind.TRAP]
    return {hit.id: _judge(hit, bursts, traps, delivered_at) for hit in hits}


def _judge(
    hit: Hit, bursts: Sequence[datetime], traps: Sequence[datetime], delivered_at: datetime | None
) -> Judgement:
    machine = tuple(_signs_of_a_machine(hit, bursts, traps, delivered_at))
    if machine:
        return Judgement(Verdict.MACHINE, machine)
    agent = (hit.user_agent or "").casefold()
    if not agent:
        return Judgement(Verdict.UNKNOWN, ("names no user agent",))
    if any(proxy in agent for proxy in _PROXIES):
        return Judgement(Verdict.PROXY, ("an image proxy that fetches when the person opens the mail",))
    if any(client in agent for client in _CLIENTS):
        return Judgement(Verdict.HUMAN, ("a mail client",))
    return Judgement(Verdict.HUMAN, ("nothing speaks against a person",))


def _signs_of_a_machine(
    hit: Hit, bursts: Sequence[datetime], traps: Sequence[datetime], delivered_at: datetime | None
) -> Iterable[str]:
    agent = (hit.user_agent or "").casefold()
    if hit.kind is HitKind.TRAP:
        yield "followed a link that no person can see"
    if any(abs(hit.at - at) <= TRAP_WINDOW for at in traps) and hit.kind is not HitKind.TRAP:
        yield "came with a hit on a link that no person can see"
    if hit.method not in ("GET", "POST"):
        yield f"asked with {hit.method}"
    if agent == "mozilla/5.0":
        # Apple's Mail Privacy Protection fetches every image like this, whether or not anybody reads.
        yield 'the user agent is just "Mozilla/5.0", as Apple\'s privacy proxy says'
    if _GMAIL_PREFETCH in agent:
        yield "Gmail's prefetcher, which comes right after delivery"
    if hit.kind is not HitKind.OPEN and hit.crawler and not _is_known_client(agent):
        yield "a known crawler"
    if hit.kind is not HitKind.OPEN and any(abs(hit.at - at) <= BURST for at in bursts):
        yield "one of many different links asked for within ten seconds"
    if delivered_at is not None and timedelta(0) <= hit.at - delivered_at < TOO_SOON:
        yield f"came {(hit.at - delivered_at).total_seconds():.0f} s after delivery"
    if hit.crowd >= CROWD and not any(proxy in agent for proxy in _PROXIES):
        yield f"the same network address asked for {hit.crowd} messages within a minute"


def _is_known_client(agent: str) -> bool:
    # Lists of crawlers call image proxies and desktop Outlook crawlers, although people sit behind them.
    return any(word in agent for word in (*_PROXIES, *_CLIENTS))


def _bursts(hits: Sequence[Hit], links: int) -> tuple[datetime, ...]:
    """The instants at which a burst of clicks on different links began."""
    clicks = sorted((hit for hit in hits if hit.kind is not HitKind.OPEN), key=lambda hit: hit.at)
    enough = BURST_LINKS if links < 2 else min(BURST_LINKS, links)
    return tuple(first.at for first in clicks if _links_within(clicks, first.at) >= enough)


def _links_within(clicks: Sequence[Hit], start: datetime) -> int:
    return len({click.link for click in clicks if timedelta(0) <= click.at - start <= BURST})
