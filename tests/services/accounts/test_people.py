"""Accounts are made, changed and shut."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from nurture.clock import FixedClock
from nurture.domain.errors import AddressError, InputError, NotFound, NotSignedIn
from nurture.domain.roles import Role
from nurture.services import accounts
from nurture.services.accounts import Client, Login, NewUser, Profile
from nurture.services.runtime import Runtime
from nurture.store.schema import AuditEntry
from tests.support.runtimes import runtime_on, settings_for

PASSWORD = "seven quiet herons"


@pytest.fixture
def runtime(engine: Engine, clock: FixedClock, tmp_path: Path) -> Runtime:
    """On both databases in turn."""
    return runtime_on(engine, clock, settings_for(tmp_path))


def hire(runtime: Runtime, address: str = "ana@example.com", role: Role = Role.ADMIN) -> int:
    return accounts.create_user(runtime, NewUser(address, role, "Ana", PASSWORD), runtime.clock.now())


def enter(runtime: Runtime, password: str = PASSWORD, ip: str = "192.0.2.1") -> int:
    login = Login("ana@example.com", password, Client(ip))
    return accounts.authenticate(runtime, login, runtime.clock.now()).user_id


def test_somebody_who_was_let_in_can_log_in(runtime: Runtime) -> None:
    user_id = hire(runtime)
    assert enter(runtime) == user_id


def test_an_address_has_one_account_however_it_is_spelled(runtime: Runtime) -> None:
    hire(runtime)
    with pytest.raises(InputError, match="already"):
        hire(runtime, " ANA@Example.com ")


def test_no_account_without_an_address_or_with_a_weak_password(runtime: Runtime) -> None:
    with pytest.raises(AddressError):
        hire(runtime, "not an address")
    with pytest.raises(InputError):
        accounts.create_user(runtime, NewUser("b@example.com", Role.ADMIN, "", "short"), runtime.clock.now())
    assert accounts.list_users(runtime) == ()


def test_an_account_without_a_password_lets_nobody_in(runtime: Runtime) -> None:
    accounts.create_user(runtime, NewUser("ana@example.com", Role.ADMIN), runtime.clock.now())
    for password in ("", PASSWORD):
        with pytest.raises(NotSignedIn):
            enter(runtime, password)


def test_the_last_administrator_cannot_be_shut_out_or_demoted(runtime: Runtime) -> None:
    now, only = runtime.clock.now(), hire(runtime)
    for act in (
        lambda: accounts.disable(runtime, only, now, "cli"),
        lambda: accounts.set_role(runtime, only, Role.VIEWER, now, "cli"),
    ):
        with pytest.raises(InputError, match="last administrator"):
            act()
    hire(runtime, "bo@example.com")
    accounts.disable(runtime, only, now, "cli")
    with pytest.raises(NotSignedIn):
        enter(runtime)
    accounts.enable(runtime, only, now, "cli")
    assert enter(runtime) == only


def test_what_is_done_to_nobody_says_so(runtime: Runtime) -> None:
    now = runtime.clock.now()
    hire(runtime)
    for act in (
        lambda: accounts.set_role(runtime, 99, Role.ADMIN, now, "cli"),
        lambda: accounts.disable(runtime, 99, now, "cli"),
        lambda: accounts.enable(runtime, 99, now, "cli"),
        lambda: accounts.set_password(runtime, 99, PASSWORD, now, "cli"),
        lambda: accounts.get_user(runtime, 99),
        lambda: accounts.invite(runtime, 99, now),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_name_keeps_no_control_characters(runtime: Runtime) -> None:
    user_id = hire(runtime)
    accounts.change_profile(runtime, user_id, Profile("A\x00n\u202ea\n" + "x" * 500, "Europe/Lisbon", "pt"))
    user = accounts.get_user(runtime, user_id)
    assert user.name == "Ana" + "x" * 197
    assert (user.zone, user.language, user.called) == ("Europe/Lisbon", "pt", user.name)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "\x00", "x" * 500])
def test_a_zone_that_does_not_exist_is_refused(runtime: Runtime, zone: str) -> None:
    with pytest.raises(InputError, match="is not a time zone"):
        accounts.change_profile(runtime, hire(runtime), Profile("Ana", zone, None))


def test_every_change_is_in_the_audit_log_without_secrets(runtime: Runtime) -> None:
    now, user_id = runtime.clock.now(), hire(runtime)
    hire(runtime, "bo@example.com")
    accounts.set_password(runtime, user_id, "another good sentence", now, "user:2")
    accounts.set_role(runtime, user_id, Role.EDITOR, now, "user:2")
    enter(runtime, "another good sentence")
    with runtime.read() as session:
        rows = [(row.actor, row.action, row.subject) for row in session.scalars(select(AuditEntry))]
        details = str([row.detail for row in session.scalars(select(AuditEntry))])
    assert rows == [
        ("cli", "user-created", "user:1"),
        ("cli", "user-created", "user:2"),
        ("user:2", "password-changed", "user:1"),
        ("user:2", "role-changed", "user:1"),
        ("user:1", "password-accepted", "user:1"),
    ]
    assert "sentence" not in details
    assert "@" not in details
