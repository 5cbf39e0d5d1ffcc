"""One person, one address, one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import AddressError
from nurture.net.addresses import MAX_LENGTH, address_hash, domain_of, normalise


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ana@example.com", "ana@example.com"),
        ("  Ana.Reis+news@EXAMPLE.com\n", "ana.reis+news@example.com"),
        ("ana@Bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
        ("ana@b\u0075\u0308cher.example", "ana@xn--bcher-kva.example"),
        ("JOSE\u0301@example.com", "josé@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
    ],
)
def test_spellings_of_one_address_become_one(text: str, address: str) -> None:
    assert normalise(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ana",
        "ana@",
        "@example.com",
        "ana@example",
        "ana@@example.com",
        "ana@exam ple.com",
        "Ana <ana@example.com>",
        "ana@example.com, ben@example.com",
        "ana@[192.0.2.1]",
        "ana@example.com\r\nBcc: x@y.org",
        "ana\x00@example.com",
        '"ana reis"@example.com',
        "ana@-example.com",
        "ana@xn--zzzzzz.example",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.com",
        "a" * 100_000,
        f"a@{'b.' * 50_000}com",
        "ana@example.com\u202e",
    ],
)
def test_what_mail_cannot_be_sent_to_is_refused(text: str) -> None:
    with pytest.raises(AddressError, match=r"is not an e-mail address|is longer than"):
        normalise(text)


def test_an_address_that_grows_too_long_by_its_domain_is_refused() -> None:
    domain = ".".join(["ü" * 55] * 3)
    with pytest.raises(AddressError):
        normalise(f"{'a' * 60}@{domain}.example")


@given(st.text(max_size=80) | st.emails() | st.from_regex(r"[^@]{0,20}@[^@]{0,40}"))
def test_normalising_is_final_and_never_fails_otherwise(text: str) -> None:
    try:
        address = normalise(text)
    except AddressError:
        return
    assert normalise(address) == address
    assert len(address) <= MAX_LENGTH
    assert domain_of(address).isascii()
    assert not set(address) & set(" \r\n\t\x00<>,")


def test_the_domain_stands_behind_the_last_at() -> None:
    assert domain_of("ana@example.com") == "example.com"


def test_an_address_is_recognised_only_under_its_key() -> None:
    known = address_hash(b"key", "ana@example.com")
    assert known == address_hash(b"key", "ana@example.com")
    assert len(known) == 64
    assert (
        len({known, address_hash(b"other", "ana@example.com"), address_hash(b"key", "ben@example.com")}) == 3
    )
