"""Which piece of a stream a lead gets next, and how many are left for it."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from nurture.domain.definition.steps import MatchField, Pick
from nurture.domain.values import LeadView, Stage


@dataclass(frozen=True, slots=True)
class Piece:
    """A template in a stream; empty sets fit everybody, `expires` is the first instant it is out of date."""

    slug: str
    order: int = 0
    stages: frozenset[Stage] = frozenset()
    industries: frozenset[str] = frozenset()
    company_sizes: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """An ordered set of pieces and the way to pick from it."""

    slug: str
    pieces: tuple[Piece, ...]
    pick: Pick = "next"
    match: tuple[MatchField, ...] = ()
    ranks: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = sorted(self.pieces, key=lambda piece: (piece.order, piece.slug))
        object.__setattr__(self, "pieces", tuple(ordered))
        object.__setattr__(self, "ranks", {piece.slug: rank for rank, piece in enumerate(ordered)})


@dataclass(frozen=True, slots=True)
class Choice:
    """How a step picks; what it leaves open is the stream's own way."""

    pick: Pick | None = None
    match: tuple[MatchField, ...] = ()


OWN_WAY = Choice()


def pick_piece(
    stream: Stream, lead: LeadView, read: Set[str], now: datetime, choice: Choice = OWN_WAY
) -> Piece | None:
    """The piece that the lead gets now; None when the stream has none left for it.

    Never one of `read` (slugs the lead has had, whichever campaign sent them).
    """
    pieces = remaining(stream, lead, read, now, choice)
    return pieces[0] if pieces else None


def remaining(
    stream: Stream, lead: LeadView, read: Set[str], now: datetime, choice: Choice = OWN_WAY
) -> tuple[Piece, ...]:
    """The pieces that are left for the lead as things stand, the one it gets next first.

    With `newest` that is at most one: an issue older than one the lead has had is never sent.
    """
    fitting = [piece for piece in stream.pieces if piece.slug not in read and _fits(piece, lead, now)]
    pick = choice.pick or stream.pick
    match pick:
        case "next":
            return tuple(fitting)
        case "newest":
            had = max((stream.ranks[slug] for slug in read if slug in stream.ranks), default=-1)
            return tuple(piece for piece in fitting[-1:] if stream.ranks[piece.slug] > had)
        case "best_match":
            fields = choice.match or stream.match
            return tuple(
                sorted(fitting, key=lambda piece: tuple(-_match(piece, lead, name) for name in fields))
            )
        case _:
            assert_never(pick)


def _fits(piece: Piece, lead: LeadView, now: datetime) -> bool:
    if piece.expires is not None and now >= piece.expires:
        return False
    if piece.stages and lead.stage not in piece.stages:
        return False
    return not piece.languages or _primary(lead.language) in piece.languages


def _match(piece: Piece, lead: LeadView, name: MatchField) -> int:
    """2 where the piece is made for the lead's value, 1 where for everybody, 0 where for others."""
    wanted, value = _WANTED[name](piece), _VALUE[name](lead)
    if not wanted:
        return 1
    return 2 if value in wanted else 0


_WANTED: dict[MatchField, Callable[[Piece], frozenset[str]]] = {
    "industry": lambda piece: piece.industries,
    "company_size": lambda piece: piece.company_sizes,
    "stage": lambda piece: frozenset(str(stage) for stage in piece.stages),
    "language": lambda piece: piece.languages,
}

_VALUE: dict[MatchField, Callable[[LeadView], str | None]] = {
    "industry": lambda lead: lead.company.industry if lead.company else None,
    "company_size": lambda lead: lead.company.size if lead.company else None,
    "stage": lambda lead: str(lead.stage),
    "language": lambda lead: _primary(lead.language),
}


def _primary(language: str | None) -> str | None:
    """The primary tag: `pt` of `pt-BR`. Source: RFC 5646, 2.2.1."""
    return language.split("-")[0].lower() if language else None
