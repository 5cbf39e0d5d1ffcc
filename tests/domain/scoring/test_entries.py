"""The ledger: taking an entry back leaves nothing of it."""

from datetime import UTC, datetime

from nurture.domain.scoring.entries import Entry, reversal, standing

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
GIFT = Entry("by-hand", "gift", 1, raw=9, cut=2, effective_at=AT, event_id=4, note="met at the fair", id=7)


def test_a_reversal_mirrors_its_entry_under_a_number_of_its_own() -> None:
    assert reversal(GIFT, seq=2) == Entry(
        rule="by-hand",
        dedupe_key="gift",
        seq=2,
        raw=-9,
        cut=-2,
        effective_at=AT,
        event_id=4,
        reverses=7,
        note="",
        id=None,
    )


def test_neither_what_is_taken_back_nor_its_reversal_stands() -> None:
    other = Entry("clicked", "event:1", 1, raw=5, cut=0, effective_at=AT, id=9)

    assert standing([GIFT, other, reversal(GIFT, seq=2)]) == (other,)
