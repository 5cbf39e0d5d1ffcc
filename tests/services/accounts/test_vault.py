"""What protects secrets at rest."""

from pathlib import Path

import pytest

from nurture.clock import FixedClock
from nurture.domain.errors import SecurityError
from nurture.services.accounts.vault import decrypt, encrypt, keyed_hash, new_token, token_hash
from nurture.services.runtime import Runtime
from nurture.store.base import make_engine
from tests.support.runtimes import runtime_on, settings_for


def runtime_with(tmp_path: Path, clock: FixedClock, secret: str) -> Runtime:
    engine = make_engine(f"sqlite:///{tmp_path}/nurture.db")
    return runtime_on(engine, clock, settings_for(tmp_path, secret_key=secret))


@pytest.fixture
def runtime(tmp_path: Path, clock: FixedClock) -> Runtime:
    return runtime_with(tmp_path, clock, "one secret key of forty characters or so")


def test_a_sealed_secret_opens_for_its_purpose_and_owner_alone(runtime: Runtime) -> None:
    sealed = encrypt(runtime, "totp", "JBSWY3DP", "user:1")
    assert "JBSWY3DP" not in sealed
    assert decrypt(runtime, "totp", sealed, "user:1") == "JBSWY3DP"
    for purpose, owner in (("totp", "user:2"), ("other", "user:1")):
        with pytest.raises(SecurityError):
            decrypt(runtime, purpose, sealed, owner)


def test_sealing_twice_gives_two_different_texts(runtime: Runtime) -> None:
    assert encrypt(runtime, "totp", "x", "user:1") != encrypt(runtime, "totp", "x", "user:1")


def test_another_key_opens_nothing_and_says_what_to_do(
    runtime: Runtime, tmp_path: Path, clock: FixedClock
) -> None:
    other = runtime_with(tmp_path, clock, "another secret key of forty characters..")
    with pytest.raises(SecurityError, match="NURTURE_SECRET_KEY"):
        decrypt(other, "totp", encrypt(runtime, "totp", "x", "user:1"), "user:1")
    assert keyed_hash(other, "recovery", "abc") != keyed_hash(runtime, "recovery", "abc")


def test_tokens_are_long_and_kept_as_hashes() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 43 for token in tokens)
    assert all(token not in token_hash(token) for token in tokens)
