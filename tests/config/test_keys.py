"""The keys: made once, told apart by purpose, and never lost by a second start."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nurture.config import Settings, ensure_instance_secrets, load_settings
from nurture.domain.errors import ConfigurationError
from nurture.tokens import LinkKeys, Purpose, message_token, verify_message

SECRET = "s" * 40
RING = "7:" + "r" * 40


def test_init_makes_keys_that_are_read_afterwards(tmp_path: Path) -> None:
    var = tmp_path / "var"
    assert ensure_instance_secrets(var)
    settings = load_settings({"NURTURE_VAR": str(var)})
    assert len(settings.session_secret()) == 32
    assert settings.suppression_secret()
    assert LinkKeys.parse(settings.link_ring()).signing_id == 1
    assert settings.warnings == ()


def test_only_the_owner_can_read_the_keys(tmp_path: Path) -> None:
    ensure_instance_secrets(tmp_path / "var")
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "var" / "instance.env").stat().st_mode) == 0o600


def test_a_second_init_keeps_the_keys(tmp_path: Path) -> None:
    ensure_instance_secrets(tmp_path)
    first = (tmp_path / "instance.env").read_text()
    assert not ensure_instance_secrets(tmp_path)
    assert (tmp_path / "instance.env").read_text() == first


def test_two_that_begin_at_once_end_with_the_same_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        wrote = list(pool.map(lambda _: ensure_instance_secrets(tmp_path), range(32)))
    assert wrote.count(True) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["instance.env"]


def test_without_keys_whoever_needs_one_is_told_what_to_do(tmp_path: Path) -> None:
    settings = load_settings({"NURTURE_VAR": str(tmp_path)})
    for need in (settings.session_secret, settings.link_ring, settings.suppression_secret):
        with pytest.raises(ConfigurationError, match="nurture init"):
            need()


def test_keys_for_different_purposes_differ(tmp_path: Path) -> None:
    settings = load_settings({"NURTURE_VAR": str(tmp_path), "NURTURE_SECRET_KEY": SECRET})
    link_secret = bytes.fromhex(settings.link_ring().removeprefix("0:"))
    assert len({settings.session_secret(), link_secret, settings.suppression_secret()}) == 3


def test_derived_keys_are_warned_of(tmp_path: Path) -> None:
    settings = load_settings({"NURTURE_VAR": str(tmp_path), "NURTURE_SECRET_KEY": SECRET})
    assert [warning.split()[0] for warning in settings.warnings] == [
        "NURTURE_LINK_KEYS",
        "NURTURE_SUPPRESSION_KEY",
    ]


def test_links_signed_before_link_keys_were_set_still_verify(tmp_path: Path) -> None:
    environ = {"NURTURE_VAR": str(tmp_path), "NURTURE_SECRET_KEY": SECRET}
    before = LinkKeys.parse(load_settings(environ).link_ring())
    after = LinkKeys.parse(load_settings({**environ, "NURTURE_LINK_KEYS": RING}).link_ring())
    assert after.signing_id == 7
    assert verify_message(after, Purpose.HIT, message_token(before, Purpose.HIT, 12)) == 12


def test_the_suppression_key_survives_a_new_secret_key(tmp_path: Path) -> None:
    environ = {"NURTURE_VAR": str(tmp_path), "NURTURE_SUPPRESSION_KEY": "p" * 40}
    one = load_settings({**environ, "NURTURE_SECRET_KEY": SECRET})
    two = load_settings({**environ, "NURTURE_SECRET_KEY": SECRET + "x"})
    assert one.suppression_secret() == two.suppression_secret() == b"p" * 40


def test_link_keys_alone_are_enough_for_links(tmp_path: Path) -> None:
    settings = load_settings({"NURTURE_VAR": str(tmp_path), "NURTURE_LINK_KEYS": RING})
    assert settings.link_ring() == RING


def test_settings_can_be_made_in_code(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, trusted_hosts=("nurture.example.com",))
    assert settings.hosts[-1] == "nurture.example.com"
