"""Which piece of a stream a lead gets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.definition.steps import MatchField, Pick
from nurture.domain.streams import Choice, Piece, Stream, pick_piece, remaining
from nurture.domain.values import CompanyView, LeadView, Stage

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ANA = LeadView(
    id=1,
    address="ana@example.com",
    created_at=NOW,
    language="pt-BR",
    stage=Stage.INTEREST,
    company=CompanyView(id=1, industry="logistics", size="50-249"),
)
STRANGER = LeadView(id=2, address="x@example.com", created_at=NOW)


def stream(*pieces: Piece, pick: Pick = "next", match: tuple[MatchField, ...] = ()) -> Stream:
    return Stream("studies", pieces, pick, match)


def slugs(pieces: tuple[Piece, ...]) -> list[str]:
    return [piece.slug for piece in pieces]


ONE, TWO, THREE = Piece("one", 1), Piece("two", 2), Piece("three", 3)


def test_pieces_come_in_their_order_and_then_by_name() -> None:
    assert slugs(stream(THREE, Piece("b", 2), ONE, Piece("a", 2)).pieces) == ["one", "a", "b", "three"]


def test_next_is_the_first_that_the_lead_has_not_had() -> None:
    course = stream(ONE, TWO, THREE)
    assert pick_piece(course, ANA, set(), NOW) == ONE
    assert pick_piece(course, ANA, {"one"}, NOW) == TWO
    assert slugs(remaining(course, ANA, {"two"}, NOW)) == ["one", "three"]


def test_newest_is_the_last_and_never_older_than_one_that_the_lead_has_had() -> None:
    letters = stream(ONE, TWO, THREE, pick="newest")
    assert pick_piece(letters, ANA, set(), NOW) == THREE
    assert pick_piece(letters, ANA, {"one"}, NOW) == THREE
    assert pick_piece(letters, ANA, {"three"}, NOW) is None
    assert slugs(remaining(letters, ANA, {"one", "elsewhere"}, NOW)) == ["three"]


def test_newest_passes_over_what_does_not_fit() -> None:
    letters = stream(ONE, TWO, replace(THREE, expires=NOW), pick="newest")
    assert pick_piece(letters, ANA, set(), NOW) == TWO
    assert pick_piece(letters, ANA, {"three"}, NOW) is None


LOGISTICS = Piece("logistics", 1, industries=frozenset({"logistics"}))
HEALTH_SMALL = Piece("health", 2, industries=frozenset({"healthcare"}), company_sizes=frozenset({"50-249"}))
ANYBODY = Piece("anybody", 3)
LOGISTICS_MID = Piece("mid", 4, industries=frozenset({"logistics"}), company_sizes=frozenset({"50-249"}))


def test_best_match_goes_by_the_fields_in_falling_weight_then_by_order() -> None:
    pieces = (LOGISTICS, HEALTH_SMALL, ANYBODY, LOGISTICS_MID)
    by_industry = stream(*pieces, pick="best_match", match=("industry", "company_size"))
    assert slugs(remaining(by_industry, ANA, set(), NOW)) == ["mid", "logistics", "anybody", "health"]
    by_size = Choice("best_match", ("company_size", "industry"))
    assert slugs(remaining(by_industry, ANA, set(), NOW, by_size)) == [
        "mid",
        "health",
        "logistics",
        "anybody",
    ]


def test_best_match_gives_a_lead_of_whom_nothing_is_known_what_fits_everybody() -> None:
    studies = stream(LOGISTICS, HEALTH_SMALL, ANYBODY, pick="best_match", match=("industry", "company_size"))
    assert pick_piece(studies, STRANGER, set(), NOW) == ANYBODY


def test_best_match_can_go_by_stage_and_language() -> None:
    interest = Piece("interest", 2, stages=frozenset({Stage.INTEREST}))
    portuguese = Piece("portuguese", 3, languages=frozenset({"pt"}))
    studies = stream(ONE, interest, portuguese, pick="best_match")
    assert pick_piece(studies, ANA, set(), NOW, Choice(match=("stage",))) == interest
    assert pick_piece(studies, ANA, set(), NOW, Choice(match=("language",))) == portuguese


def test_the_step_may_pick_otherwise_than_the_stream() -> None:
    assert pick_piece(stream(ONE, TWO), ANA, set(), NOW, Choice("newest")) == TWO


def test_a_piece_is_out_from_the_instant_it_expires() -> None:
    short_lived = stream(replace(ONE, expires=NOW))
    assert pick_piece(short_lived, ANA, set(), NOW) is None
    assert pick_piece(short_lived, ANA, set(), NOW - timedelta(seconds=1)) is not None


def test_a_piece_for_other_stages_is_out() -> None:
    assert pick_piece(stream(replace(ONE, stages=frozenset({Stage.ACTION}))), ANA, set(), NOW) is None
    assert pick_piece(stream(replace(ONE, stages=frozenset({Stage.INTEREST}))), ANA, set(), NOW) is not None


@pytest.mark.parametrize(("languages", "fits"), [({"pt"}, True), ({"en", "fr"}, False), (set(), True)])
def test_a_piece_for_other_languages_is_out(languages: set[str], fits: bool) -> None:
    piece = replace(ONE, languages=frozenset(languages))
    assert (pick_piece(stream(piece), ANA, set(), NOW) is not None) is fits


def test_a_lead_of_no_known_language_gets_only_pieces_for_all() -> None:
    assert pick_piece(stream(replace(ONE, languages=frozenset({"en"}))), STRANGER, set(), NOW) is None


PIECES = st.builds(
    Piece,
    slug=st.sampled_from("abcdefgh"),
    order=st.integers(0, 3),
    industries=st.frozensets(st.sampled_from(["logistics", "software"])),
    company_sizes=st.frozensets(st.sampled_from(["1-9", "50-249"])),
)


@given(
    st.lists(PIECES, unique_by=lambda piece: piece.slug),
    st.sampled_from(["next", "newest", "best_match"]),
    st.frozensets(st.sampled_from("abcdefgh")),
)
def test_a_stream_never_repeats_a_piece_and_runs_dry(
    pieces: list[Piece], pick: Pick, read: frozenset[str]
) -> None:
    studies = stream(*pieces, pick=pick, match=("industry", "company_size"))
    had = set(read)
    for left in range(len(pieces), -1, -1):
        piece = pick_piece(studies, ANA, had, NOW)
        if piece is None:
            break
        assert piece.slug not in had
        had.add(piece.slug)
        assert left > 0
    assert remaining(studies, ANA, had, NOW) == ()
