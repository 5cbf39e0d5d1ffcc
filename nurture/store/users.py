"""The people who work with Nurture, their sessions, one-time tokens and failed log-ins."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from nurture.domain.roles import Role
from nurture.store.schema import LoginAttempt, SignIn, User, UserToken


@dataclass(frozen=True, slots=True)
class UserView:
    """Somebody who works with Nurture, without secrets."""

    id: int
    address: str
    name: str
    role: Role
    zone: str | None
    language: str | None
    has_password: bool
    has_totp: bool
    recovery_codes_left: int
    disabled_at: datetime | None
    created_at: datetime

    @property
    def called(self) -> str:
        """The name, or the address where there is none."""
        return self.name or self.address


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a log-in is checked against."""

    user_id: int
    password_hash: str | None = field(repr=False)
    totp_secret: str | None = field(repr=False)
    totp_last_step: int
    recovery_hashes: tuple[str, ...] = field(repr=False)
    disabled: bool


@dataclass(frozen=True, slots=True)
class SignInView:
    """One session as the server knows it; `user_id` is empty until the log-in is complete."""

    id_hash: str
    user_id: int | None
    data: Mapping[str, Any]
    ip: str | None
    user_agent: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def _view(row: User) -> UserView:
    return UserView(
        id=row.id,
        address=row.address,
        name=row.name,
        role=Role(row.role),
        zone=row.zone,
        language=row.language,
        has_password=row.password_hash is not None,
        has_totp=row.totp_secret is not None,
        recovery_codes_left=len(row.recovery_hashes),
        disabled_at=row.disabled_at,
        created_at=row.created_at,
    )


def user_by_id(session: Session, user_id: int) -> UserView | None:
    """The user with this id."""
    row = session.get(User, user_id)
    return None if row is None else _view(row)


def user_by_address(session: Session, address: str) -> UserView | None:
    """The user with this normalised address."""
    row = session.scalar(select(User).where(User.address == address))
    return None if row is None else _view(row)


def all_users(session: Session) -> tuple[UserView, ...]:
    """Everybody, by address."""
    return tuple(_view(row) for row in session.scalars(select(User).order_by(User.address)))


def credentials_of(session: Session, user_id: int) -> Credentials | None:
    """What this user's log-in is checked against."""
    row = session.get(User, user_id)
    if row is None:
        return None
    return Credentials(
        user_id=row.id,
        password_hash=row.password_hash,
        totp_secret=row.totp_secret,
        totp_last_step=row.totp_last_step,
        recovery_hashes=tuple(row.recovery_hashes),
        disabled=row.disabled_at is not None,
    )


def add_user(session: Session, address: str, role: Role, now: datetime, **details: str | None) -> int:
    """A new user; the unique address refuses a second one."""
    row = User(address=address, role=role, created_at=now, recovery_hashes=[], **details)
    session.add(row)
    session.flush()
    return row.id


def change_user(session: Session, user_id: int, **values: object) -> bool:
    """Set columns of one user; whether there is such a user."""
    statement = update(User).where(User.id == user_id).values(**values).returning(User.id)
    return session.scalar(statement) is not None


def spend_totp_step(session: Session, user_id: int, step: int) -> bool:
    """Use up a time step of one-time codes; false where it, or a later one, was used before."""
    statement = (
        update(User)
        .where(User.id == user_id, User.totp_last_step < step)
        .values(totp_last_step=step)
        .returning(User.id)
    )
    return session.scalar(statement) is not None


def spend_recovery_code(session: Session, user_id: int, code_hash: str) -> bool:
    """Use up a recovery code; false where there is no such code left."""
    row = session.get(User, user_id, with_for_update=True)
    if row is None or code_hash not in row.recovery_hashes:
        return False
    row.recovery_hashes = [known for known in row.recovery_hashes if known != code_hash]
    session.flush()
    return True


# --- sessions ------------------------------------------------------------------------------------


def add_sign_in(session: Session, view: SignInView) -> None:
    """Begin a session."""
    session.add(
        SignIn(
            id_hash=view.id_hash,
            user_id=view.user_id,
            data=dict(view.data),
            ip=view.ip,
            user_agent=view.user_agent,
            created_at=view.created_at,
            seen_at=view.seen_at,
            expires_at=view.expires_at,
        )
    )
    session.flush()


def sign_in_by_hash(session: Session, id_hash: str) -> SignInView | None:
    """The session with this hashed id, however old it is."""
    row = session.get(SignIn, id_hash)
    return None if row is None else _sign_in(row)


def sign_ins_of(session: Session, user_id: int, now: datetime, idle: timedelta) -> tuple[SignInView, ...]:
    """The living sessions of a user, the latest seen first."""
    rows = session.scalars(
        select(SignIn)
        .where(SignIn.user_id == user_id, SignIn.expires_at > now, SignIn.seen_at > now - idle)
        .order_by(SignIn.seen_at.desc())
    )
    return tuple(_sign_in(row) for row in rows)


def _sign_in(row: SignIn) -> SignInView:
    return SignInView(
        id_hash=row.id_hash,
        user_id=row.user_id,
        data=dict(row.data),
        ip=row.ip,
        user_agent=row.user_agent,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )


def touch_sign_in(session: Session, id_hash: str, data: Mapping[str, Any], now: datetime) -> bool:
    """Keep a session's data and note that it was used; false where it has ended meanwhile."""
    statement = (
        update(SignIn)
        .where(SignIn.id_hash == id_hash)
        .values(data=dict(data), seen_at=now)
        .returning(SignIn.id_hash)
    )
    return session.scalar(statement) is not None


def end_sign_in(session: Session, id_hash: str) -> None:
    """End one session."""
    session.execute(delete(SignIn).where(SignIn.id_hash == id_hash))


def end_sign_ins(session: Session, user_id: int, but: str | None = None) -> None:
    """End every session of a user, except the one with the hash `but`."""
    statement = delete(SignIn).where(SignIn.user_id == user_id)
    if but is not None:
        statement = statement.where(SignIn.id_hash != but)
    session.execute(statement)


def forget_ended_sign_ins(session: Session, now: datetime, idle: timedelta) -> None:
    """Delete the rows of sessions that have run out."""
    session.execute(delete(SignIn).where(or_(SignIn.expires_at <= now, SignIn.seen_at <= now - idle)))


def has_signed_in_from(session: Session, user_id: int, ip: str) -> bool:
    """Whether the user holds a session that began at this address of the network."""
    return (
        session.scalar(select(SignIn.id_hash).where(SignIn.user_id == user_id, SignIn.ip == ip)) is not None
    )


# --- one-time tokens -----------------------------------------------------------------------------


def add_token(session: Session, token_hash: str, user_id: int, purpose: str, expires_at: datetime) -> None:
    """Keep a one-time token; earlier ones for the same purpose stop working."""
    session.execute(delete(UserToken).where(UserToken.user_id == user_id, UserToken.purpose == purpose))
    session.add(UserToken(token_hash=token_hash, user_id=user_id, purpose=purpose, expires_at=expires_at))
    session.flush()


def token_owner(session: Session, token_hash: str, purposes: Iterable[str], now: datetime) -> int | None:
    """Whose unused and unexpired token this is."""
    return session.scalar(
        select(UserToken.user_id).where(
            UserToken.token_hash == token_hash,
            UserToken.purpose.in_(tuple(purposes)),
            UserToken.used_at.is_(None),
            UserToken.expires_at > now,
        )
    )


def spend_token(session: Session, token_hash: str, now: datetime) -> bool:
    """Use a token up; false where somebody was faster."""
    statement = (
        update(UserToken)
        .where(UserToken.token_hash == token_hash, UserToken.used_at.is_(None), UserToken.expires_at > now)
        .values(used_at=now)
        .returning(UserToken.token_hash)
    )
    return session.scalar(statement) is not None


# --- failed log-ins ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a key was tried without success, and when the last time."""

    failures: int
    last: datetime


def lock_attempts(session: Session, keys: Collection[str], now: datetime) -> dict[str, Attempts]:
    """What is known of these keys; they are held until the transaction ends, so that each try is counted."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    fresh = [{"key": key, "failures": 0, "window_start": now} for key in sorted(keys)]
    session.execute(upsert(LoginAttempt).on_conflict_do_nothing(), fresh)
    rows = session.scalars(
        select(LoginAttempt).where(LoginAttempt.key.in_(keys)).order_by(LoginAttempt.key).with_for_update()
    )
    return {row.key: Attempts(row.failures, row.window_start) for row in rows}


def keep_attempts(session: Session, key: str, attempts: Attempts) -> None:
    """Write down how often a key was tried."""
    session.execute(
        update(LoginAttempt)
        .where(LoginAttempt.key == key)
        .values(failures=attempts.failures, window_start=attempts.last)
    )


def forget_attempts(session: Session, keys: Iterable[str]) -> None:
    """The right password was given: what was held against these keys is forgotten."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.key.in_(tuple(keys))))


def forget_old_attempts(session: Session, before: datetime) -> None:
    """Delete rows that no longer slow anybody down."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.window_start < before))
