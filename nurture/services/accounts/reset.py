"""Getting back in: a link by mail that works once. What is answered is the same for every address."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from nurture.domain.errors import InvalidToken, NotFound, TooManyAttempts
from nurture.services.accounts.login import known_address
from nurture.services.accounts.passwords import check_strength, hash_password
from nurture.services.accounts.sessions import Client
from nurture.services.accounts.throttle import Limit, admit
from nurture.services.accounts.vault import new_token, token_hash
from nurture.services.runtime import Runtime
from nurture.store import audit, users
from nurture.store.audit import AuditNote
from nurture.store.documents import document
from nurture.store.messages import SystemMail, queue_system
from nurture.store.templates import current_version
from nurture.store.users import UserView

RESET, INVITATION = "reset", "invitation"
PURPOSES = (RESET, INVITATION)
FREE_PER_ACCOUNT = 3
FREE_PER_NETWORK_ADDRESS = 10


@dataclass(frozen=True, slots=True)
class Occasion:
    """Which mail brings the link, and how long it works."""

    purpose: str
    template: str
    lasts: timedelta
    lasts_in_words: str


_OCCASIONS = {
    RESET: Occasion(RESET, "system/password-reset", timedelta(hours=2), "2 hours"),
    INVITATION: Occasion(INVITATION, "system/user-invitation", timedelta(days=7), "7 days"),
}


def request_reset(runtime: Runtime, address: str, client: Client, now: datetime) -> None:
    """Mail a link to whoever has an account at this address; says nothing about whether somebody has."""
    known = known_address(address)
    limits = (
        Limit(f"reset:{token_hash(known or address[:400])}", FREE_PER_ACCOUNT),
        Limit(f"reset-network:{client.ip}", FREE_PER_NETWORK_ADDRESS),
    )
    with runtime.write() as session:
        try:
            admit(session, limits, now)
        except TooManyAttempts:
            return
        user = None if known is None else users.user_by_address(session, known)
        if user is not None and user.disabled_at is None:
            _queue_link(runtime, session, user, _OCCASIONS[RESET], now)


def invite(runtime: Runtime, user_id: int, now: datetime) -> str:
    """Mail an invitation to a new user; returns the link, for whoever prefers to hand it over.

    Raises:
        NotFound: there is no such user.
    """
    with runtime.write() as session:
        user = users.user_by_id(session, user_id)
        if user is None:
            raise NotFound(f"There is no user {user_id}.")
        return _queue_link(runtime, session, user, _OCCASIONS[INVITATION], now)


def owner_of_link(runtime: Runtime, token: str, now: datetime) -> UserView:
    """Who may choose a password with this link.

    Raises:
        InvalidToken: it was used, has run out, or is not ours.
    """
    with runtime.read() as session:
        user_id = users.token_owner(session, token_hash(token), PURPOSES, now)
        user = None if user_id is None else users.user_by_id(session, user_id)
    if user is None or user.disabled_at is not None:
        raise InvalidToken("This link was used, or it is too old. Ask for a new one.")
    return user


def reset_password(runtime: Runtime, token: str, password: str, now: datetime) -> int:
    """Set the password by a link, which is used up; every session of the account ends.

    Raises:
        InvalidToken: it was used, has run out, or is not ours.
        InputError: the password is too weak; the link still works.
    """
    user = owner_of_link(runtime, token, now)
    check_strength(password, user.address)
    hashed = hash_password(password)
    with runtime.write() as session:
        if not users.spend_token(session, token_hash(token), now):
            raise InvalidToken("This link was used, or it is too old. Ask for a new one.")
        users.change_user(session, user.id, password_hash=hashed)
        users.end_sign_ins(session, user.id)
        note = AuditNote.by_user(user.id, "password-reset")
        audit.record(session, note, now)
    return user.id


def _queue_link(runtime: Runtime, session: Session, user: UserView, occasion: Occasion, now: datetime) -> str:
    token = new_token()
    hashed = token_hash(token)
    link = f"{runtime.settings.base_url}/reset/{token}"
    users.add_token(session, hashed, user.id, occasion.purpose, now + occasion.lasts)
    template = current_version(session, occasion.template, user.language or "")
    if template is not None:
        organisation = document(session, "organisation")
        merge = {
            "organisation": {"name": organisation.body.get("name", "") if organisation else ""},
            "action_url": link,
            "expires_in": occasion.lasts_in_words,
            "user": {"name": user.name},
        }
        mail = SystemMail(
            address=user.address,
            template_version_id=template,
            dedupe_key=f"{occasion.purpose}:{hashed[:32]}",
            merge=merge,
            user_id=user.id,
        )
        queue_system(session, mail, runtime.clock.now())
    return link
