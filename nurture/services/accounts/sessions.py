"""Sessions: kept on the server, named by a random id of which only the hash is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nurture.services.accounts.vault import new_token, token_hash
from nurture.services.runtime import Runtime
from nurture.store import users
from nurture.store.users import SignInView, UserView

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
HALFWAY = timedelta(minutes=10)
TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Client:
    """Who is asking, as far as the network tells."""

    ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A living session; `user` is empty while the second factor is still asked for."""

    sign_in: SignInView
    user: UserView | None


def begin(
    runtime: Runtime, user_id: int | None, client: Client, data: Mapping[str, Any], now: datetime
) -> tuple[str, OpenSession]:
    """A new session and its id, which only the browser gets; without `user_id` it lasts ten minutes."""
    raw = new_token()
    view = SignInView(
        id_hash=token_hash(raw),
        user_id=user_id,
        data=data,
        ip=client.ip,
        user_agent=(client.user_agent or "")[:512] or None,
        created_at=now,
        seen_at=now,
        expires_at=now + (HALFWAY if user_id is None else LONGEST),
    )
    with runtime.write() as session:
        users.forget_ended_sign_ins(session, now, IDLE)
        users.add_sign_in(session, view)
        user = None if user_id is None else users.user_by_id(session, user_id)
    return raw, OpenSession(view, user)


def find(runtime: Runtime, raw: str, now: datetime) -> OpenSession | None:
    """The living session with this id."""
    with runtime.read() as session:
        view = users.sign_in_by_hash(session, token_hash(raw))
        if view is None or view.expires_at <= now or view.seen_at <= now - IDLE:
            return None
        user = None if view.user_id is None else users.user_by_id(session, view.user_id)
    if view.user_id is not None and (user is None or user.disabled_at is not None):
        return None
    return OpenSession(view, user)


def keep(runtime: Runtime, id_hash: str, data: Mapping[str, Any], now: datetime) -> bool:
    """Write a session's data and that it was used; false where it has ended meanwhile."""
    with runtime.write() as session:
        return users.touch_sign_in(session, id_hash, data, now)


def end(runtime: Runtime, id_hash: str) -> None:
    """End one session: its id is worthless from now on."""
    with runtime.write() as session:
        users.end_sign_in(session, id_hash)


def end_others(runtime: Runtime, user_id: int, but: str | None) -> None:
    """End all sessions of a user except one."""
    with runtime.write() as session:
        users.end_sign_ins(session, user_id, but)


def living(runtime: Runtime, user_id: int, now: datetime) -> tuple[SignInView, ...]:
    """The sessions that a user holds now."""
    with runtime.read() as session:
        return users.sign_ins_of(session, user_id, now, IDLE)
