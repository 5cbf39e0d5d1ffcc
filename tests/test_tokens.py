"""Tokens: only what we signed, only for its purpose, under every key of the ring."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture import tokens
from nurture.domain.errors import ConfigurationError, InvalidToken
from nurture.tokens import LinkKeys, Purpose

OLD = "1:" + "a" * 32
NEW = "2:" + "b" * 32
KEYS = LinkKeys.parse(NEW)

ids = st.integers(0, 2**63 - 1)
purposes = st.sampled_from(Purpose)
base64_letters = string.ascii_letters + string.digits + "-_"


@given(purposes, st.binary(max_size=60))
def test_a_signed_payload_comes_back(purpose: Purpose, payload: bytes) -> None:
    assert tokens.verify(KEYS, purpose, tokens.sign(KEYS, purpose, payload)) == payload


@given(purposes, ids)
def test_a_message_comes_back_from_a_link_of_27_characters(purpose: Purpose, message_id: int) -> None:
    token = tokens.message_token(KEYS, purpose, message_id)
    assert len(token) == 27
    assert set(token) <= set(base64_letters)
    assert tokens.verify_message(KEYS, purpose, token) == message_id


@given(ids, st.data())
def test_a_message_comes_back_from_an_address_in_any_case(message_id: int, data: st.DataObject) -> None:
    token = tokens.address_token(KEYS, Purpose.REPLY, message_id)
    assert len(token) == 32
    assert token == token.lower()
    assert token.isalnum()
    upper = data.draw(st.lists(st.booleans(), min_size=32, max_size=32))
    folded = "".join(c.upper() if up else c for c, up in zip(token, upper, strict=True))
    assert tokens.verify_address(KEYS, Purpose.REPLY, folded) == message_id


@given(ids, st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_preferences_carry_lead_and_scope(lead_id: int, scope: str) -> None:
    claim = tokens.verify_preferences(KEYS, tokens.preferences_token(KEYS, lead_id, scope))
    assert (claim.lead_id, claim.scope) == (lead_id, scope)


@given(purposes, purposes, ids)
def test_a_token_is_good_for_its_own_purpose_alone(issued: Purpose, used: Purpose, message_id: int) -> None:
    if issued is used:
        return
    with pytest.raises(InvalidToken):
        tokens.verify_message(KEYS, used, tokens.message_token(KEYS, issued, message_id))
    with pytest.raises(InvalidToken):
        tokens.verify_address(KEYS, used, tokens.address_token(KEYS, issued, message_id))


@given(ids, st.integers(0, 26), st.sampled_from(base64_letters))
def test_a_link_with_one_character_changed_is_refused(message_id: int, place: int, letter: str) -> None:
    token = tokens.message_token(KEYS, Purpose.HIT, message_id)
    if token[place] == letter:
        return
    with pytest.raises(InvalidToken):
        tokens.verify_message(KEYS, Purpose.HIT, token[:place] + letter + token[place + 1 :])


@given(ids, st.integers(0, 31), st.sampled_from(string.ascii_lowercase + "234567"))
def test_an_address_with_one_character_changed_is_refused(message_id: int, place: int, letter: str) -> None:
    token = tokens.address_token(KEYS, Purpose.REPLY, message_id)
    if token[place] == letter:
        return
    with pytest.raises(InvalidToken):
        tokens.verify_address(KEYS, Purpose.REPLY, token[:place] + letter + token[place + 1 :])


@given(st.text(max_size=80) | st.text(base64_letters, max_size=80))
@example("")
@example("=" * 28)
@example("é" * 27)
@example("\0")
@example("A" * 100_000)
def test_garbage_raises_invalid_token_and_nothing_else(garbage: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify(KEYS, Purpose.HIT, garbage)
    with pytest.raises(InvalidToken):
        tokens.verify_message(KEYS, Purpose.HIT, garbage)
    with pytest.raises(InvalidToken):
        tokens.verify_address(KEYS, Purpose.HIT, garbage)
    with pytest.raises(InvalidToken):
        tokens.verify_preferences(KEYS, garbage)


def test_decoration_around_a_valid_token_is_refused() -> None:
    token = tokens.message_token(KEYS, Purpose.HIT, 7)
    for decorated in (token + "=", token + " ", " " + token, token + "!", token[:5] + "\n" + token[5:]):
        with pytest.raises(InvalidToken):
            tokens.verify_message(KEYS, Purpose.HIT, decorated)


def test_a_payload_of_the_wrong_length_is_no_message_and_no_preference() -> None:
    short = tokens.sign(KEYS, Purpose.PREFERENCES, b"1234")
    with pytest.raises(InvalidToken):
        tokens.verify_message(KEYS, Purpose.PREFERENCES, short)
    with pytest.raises(InvalidToken):
        tokens.verify_preferences(KEYS, short)


def test_old_links_verify_after_the_signing_key_was_changed() -> None:
    old_token = tokens.message_token(LinkKeys.parse(OLD), Purpose.HIT, 41)
    ring = LinkKeys.parse(f"{NEW}, {OLD}")
    assert ring.signing_id == 2
    assert tokens.verify_message(ring, Purpose.HIT, old_token) == 41
    assert tokens.message_token(ring, Purpose.HIT, 41) == tokens.message_token(KEYS, Purpose.HIT, 41)


def test_links_of_the_derived_key_verify_after_a_ring_was_configured() -> None:
    derived = "0:" + "d" * 64
    token = tokens.message_token(LinkKeys.parse(derived), Purpose.VIEW, 5)
    with pytest.raises(InvalidToken):
        tokens.verify_message(KEYS, Purpose.VIEW, token)
    assert tokens.verify_message(LinkKeys.parse(f"{NEW},{derived}"), Purpose.VIEW, token) == 5


def test_a_key_out_of_the_ring_is_refused_although_its_id_is_known() -> None:
    other = LinkKeys.parse("2:" + "c" * 32)
    with pytest.raises(InvalidToken):
        tokens.verify_message(other, Purpose.HIT, tokens.message_token(KEYS, Purpose.HIT, 1))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "id and a colon"),
        ("a" * 40, "id and a colon"),
        ("x:" + "a" * 32, 'begins with "x"'),
        ("256:" + "a" * 32, 'begins with "256"'),
        ("²:" + "a" * 32, 'begins with "²"'),
        ("1:short", "Key 1 in NURTURE_LINK_KEYS has 5 characters"),
        (OLD + "," + OLD, "the id 1 twice"),
    ],
)
def test_a_malformed_ring_is_refused_with_its_reason(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        LinkKeys.parse(text)


def test_a_malformed_ring_is_refused_without_showing_its_secret() -> None:
    secret = "swordfish" * 5
    with pytest.raises(ConfigurationError) as refused:
        LinkKeys.parse(secret)
    assert "swordfish" not in str(refused.value)
    assert "swordfish" not in repr(LinkKeys.parse("1:" + secret))
