"""The people who work with Nurture: made, changed and shut out."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from nurture.domain.errors import InputError, NotFound
from nurture.domain.roles import Role
from nurture.net.addresses import normalise
from nurture.services.accounts.passwords import check_strength, hash_password
from nurture.services.runtime import Runtime
from nurture.store import audit, users
from nurture.store.audit import AuditNote
from nurture.store.users import UserView

MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class NewUser:
    """Somebody to be let in; without a password only an invitation or a reset opens the account."""

    address: str
    role: Role
    name: str = ""
    password: str | None = field(default=None, repr=False)
    zone: str | None = None
    language: str | None = None


def create_user(runtime: Runtime, new: NewUser, now: datetime, actor: str = "cli") -> int:
    """Let somebody in; returns the user's id.

    Raises:
        AddressError: the address is none.
        InputError: it is known already, or the password is too weak.
    """
    address = normalise(new.address)
    hashed = None
    if new.password is not None:
        check_strength(new.password, address)
        hashed = hash_password(new.password)
    with runtime.write() as session:
        if users.user_by_address(session, address) is not None:
            raise InputError(f'There is a user "{address}" already.')
        user_id = users.add_user(
            session,
            address,
            new.role,
            now,
            name=clean_name(new.name),
            password_hash=hashed,
            zone=check_zone(new.zone),
            language=new.language or None,
        )
        audit.record(session, AuditNote(actor, "user-created", f"user:{user_id}", {"role": new.role}), now)
    return user_id


def find_user(runtime: Runtime, address: str) -> UserView | None:
    """The user with this address, however it is spelled."""
    with runtime.read() as session:
        return users.user_by_address(session, normalise(address))


def get_user(runtime: Runtime, user_id: int) -> UserView:
    """The user with this id.

    Raises:
        NotFound: there is none.
    """
    with runtime.read() as session:
        user = users.user_by_id(session, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id}.")
    return user


def list_users(runtime: Runtime) -> tuple[UserView, ...]:
    """Everybody, by address."""
    with runtime.read() as session:
        return users.all_users(session)


@dataclass(frozen=True, slots=True)
class Profile:
    """What somebody may change about themselves."""

    name: str
    zone: str | None
    language: str | None


def change_profile(runtime: Runtime, user_id: int, profile: Profile) -> None:
    """Set name, zone and language.

    Raises:
        InputError: the zone is none.
    """
    values = {
        "name": clean_name(profile.name),
        "zone": check_zone(profile.zone),
        "language": profile.language or None,
    }
    with runtime.write() as session:
        users.change_user(session, user_id, **values)


def set_password(runtime: Runtime, user_id: int, password: str, now: datetime, actor: str) -> None:
    """Give an account a new password; every session ends.

    Raises:
        InputError: the password is too weak.
        NotFound: there is no such user.
    """
    user = get_user(runtime, user_id)
    check_strength(password, user.address)
    hashed = hash_password(password)
    with runtime.write() as session:
        users.change_user(session, user_id, password_hash=hashed)
        users.end_sign_ins(session, user_id)
        audit.record(session, AuditNote(actor, "password-changed", f"user:{user_id}"), now)


def set_role(runtime: Runtime, user_id: int, role: Role, now: datetime, actor: str) -> None:
    """Give somebody another role; their sessions end, so that no page goes on under the old one.

    Raises:
        InputError: the last administrator would be gone.
        NotFound: there is no such user.
    """
    with runtime.write() as session:
        if role is not Role.ADMIN:
            _leave_an_admin(users.all_users(session), user_id)
        if not users.change_user(session, user_id, role=role):
            raise NotFound(f"There is no user {user_id}.")
        users.end_sign_ins(session, user_id)
        audit.record(session, AuditNote(actor, "role-changed", f"user:{user_id}", {"role": role}), now)


def disable(runtime: Runtime, user_id: int, now: datetime, actor: str) -> None:
    """Shut somebody out, at once.

    Raises:
        InputError: the last administrator would be gone.
        NotFound: there is no such user.
    """
    with runtime.write() as session:
        _leave_an_admin(users.all_users(session), user_id)
        if not users.change_user(session, user_id, disabled_at=now):
            raise NotFound(f"There is no user {user_id}.")
        users.end_sign_ins(session, user_id)
        audit.record(session, AuditNote(actor, "user-disabled", f"user:{user_id}"), now)


def enable(runtime: Runtime, user_id: int, now: datetime, actor: str) -> None:
    """Let somebody in again.

    Raises:
        NotFound: there is no such user.
    """
    with runtime.write() as session:
        if not users.change_user(session, user_id, disabled_at=None):
            raise NotFound(f"There is no user {user_id}.")
        audit.record(session, AuditNote(actor, "user-enabled", f"user:{user_id}"), now)


def _leave_an_admin(everybody: tuple[UserView, ...], user_id: int) -> None:
    admins = {user.id for user in everybody if user.role is Role.ADMIN and user.disabled_at is None}
    if admins == {user_id}:
        raise InputError("This is the last administrator. Make somebody else one first.")


def clean_name(name: str) -> str:
    """A name without control characters, at most 200 long."""
    return "".join(character for character in name if character.isprintable()).strip()[:MAX_NAME]


def check_zone(zone: str | None) -> str | None:
    """The zone, if the time zone database has it.

    Raises:
        InputError: it has not.
    """
    if not zone:
        return None
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise InputError(f'"{zone[:64]}" is not a time zone. Use a name such as Europe/Lisbon.') from None
    return zone
