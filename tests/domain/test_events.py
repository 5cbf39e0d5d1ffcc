"""Facts: the key of each, the kinds there are, and what counts as evidence of a person."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import InputError
from nurture.domain.events import Event, Verdict, event_id, known_kind


def test_the_key_of_a_fact_is_the_same_for_ever() -> None:
    # The keys lie in databases: others would let in every fact a second time.
    assert event_id("web", "hit-1") == 8_749_096_112_835_301_980
    assert event_id("sendgrid", "ev-7") == -8_621_566_442_665_505_831


def test_source_and_name_do_not_run_into_each_other() -> None:
    assert event_id("web", "a1") != event_id("weba", "1")


@given(st.text(), st.text())
def test_a_key_fits_into_64_bits(source: str, external_id: str) -> None:
    assert -(2**63) <= event_id(source, external_id) < 2**63


@pytest.mark.parametrize("kind", ["purchased", "email_clicked", "custom:trial_begun", "custom:a-1"])
def test_kinds_of_ours_and_custom_ones_are_known(kind: str) -> None:
    assert known_kind(kind) == kind


@pytest.mark.parametrize(
    "kind", ["", "bought", "custom:", "custom:_", "custom:a b", "trial_begun", "PURCHASED"]
)
def test_other_kinds_are_refused_with_those_there_are(kind: str) -> None:
    with pytest.raises(
        InputError, match=f'"{kind}" is not a kind of event. Use one of page_visited, .*"custom:"'
    ):
        known_kind(kind)


@pytest.mark.parametrize(
    ("kind", "verdict", "counts"),
    [
        ("email_clicked", Verdict.HUMAN, True),
        ("email_opened", Verdict.PROXY, True),
        ("email_opened", Verdict.MACHINE, False),
        ("email_clicked", Verdict.UNKNOWN, False),
        ("email_clicked", None, False),
        ("page_visited", None, True),
    ],
)
def test_opens_and_clicks_count_only_with_evidence_of_a_person(
    kind: str, verdict: Verdict | None, counts: bool
) -> None:
    event = Event(id=1, lead_id=1, kind=kind, at=datetime(2026, 3, 2, tzinfo=UTC), verdict=verdict)
    assert event.counts is counts
