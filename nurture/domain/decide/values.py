"""What a decision is made of, and what it wants done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from nurture.domain.conditions.evaluate import Snapshot
from nurture.domain.streams import Stream
from nurture.domain.timing.windows import QuietHours
from nurture.domain.values import Scalar


@dataclass(frozen=True, slots=True)
class Passage:
    """One lead's way through one version of a campaign, as it stands.

    `position` is the step it stands at (None before the first) since `since`; `occurrence` is how often
    that step has sent. `held_until` is the end of the wait it is in: whatever wakes it earlier only lets it
    look around. `frozen` is what was left of that wait when a conversation began; `skips` says that the
    send whose time came while the campaign was paused is to be passed over.
    """

    id: int
    lead_id: int
    campaign: str
    version_id: int
    position: str | None
    since: datetime
    occurrence: int
    entered_at: datetime
    goal_at: datetime | None = None
    held_until: datetime | None = None
    frozen: timedelta | None = None
    skips: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision may know besides the passage itself.

    `sent` has the (step, occurrence) of every message that this passage ever had, whatever became of it;
    `read` the pieces that the lead has had from any campaign; `holidays` the days of each country that a
    window may ask for; `zone` is the lead's.
    """

    snapshot: Snapshot
    zone: ZoneInfo
    sent: frozenset[tuple[str, int]] = frozenset()
    read: frozenset[str] = frozenset()
    streams: Mapping[str, Stream] = field(default_factory=dict)
    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)
    quiet: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """Send the mail of a step; `template` is the slug, of the piece where there is one."""

    step: str
    occurrence: int
    template: str
    since: datetime
    piece: str | None = None
    topic: str | None = None
    identity: str = "default"
    not_after: datetime | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """Change the lead."""

    step: str
    tags: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    set: Mapping[str, str] = field(default_factory=dict)
    points: float | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """Make a task for the lead's owner, or for the user with the address `user`, due at `due_at`."""

    step: str
    user: str | None = None
    due_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReachGoal:
    """The campaign has done for this lead what it is for."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SleepUntil:
    """Stand at `step` and look again at `due_at`; the fields are those of the passage afterwards."""

    step: str | None
    since: datetime
    due_at: datetime
    occurrence: int = 0
    held_until: datetime | None = None
    frozen: timedelta | None = None
    skips: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """The passage is over: `completed` in the regular way, `exited` where it was cut short."""

    status: Literal["completed", "exited"]
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the decision log; `sentence` is for people, `values_seen` what it was decided on."""

    step: str | None
    outcome: str
    reason: str
    sentence: str
    values_seen: Mapping[str, Scalar] = field(default_factory=dict)
    next_at: datetime | None = None


Effect = QueueMessage | Update | Notify | ReachGoal | SleepUntil | Exit | Note
"""What `decide` wants done, in order; the last effect is always a `SleepUntil` or an `Exit`."""
