"""Logging in: the same answer, in the same time, whether the address is known or not."""

from dataclasses import dataclass, field
from datetime import datetime

from nurture.domain.errors import AddressError, NotSignedIn
from nurture.net.addresses import normalise
from nurture.services.accounts.passwords import MAX_LENGTH, hash_password, is_outdated, verify_password
from nurture.services.accounts.sessions import Client
from nurture.services.accounts.throttle import FORGET_AFTER, Limit, admit, forgive
from nurture.services.accounts.vault import token_hash
from nurture.services.runtime import Runtime
from nurture.store import audit, users
from nurture.store.audit import AuditNote

FREE_PER_ACCOUNT = 5
FREE_PER_NETWORK_ADDRESS = 20
REFUSED = "Address and password do not belong together."


@dataclass(frozen=True, slots=True)
class Login:
    """One try to log in."""

    address: str
    password: str = field(repr=False)
    client: Client


@dataclass(frozen=True, slots=True)
class Recognised:
    """The password was right; `needs_code` says whether a second factor is asked for."""

    user_id: int
    needs_code: bool


def authenticate(runtime: Runtime, login: Login, now: datetime) -> Recognised:
    """Check address and password.

    Raises:
        NotSignedIn: they do not belong together, or the account is shut; nobody learns which.
        TooManyAttempts: the next try is heard later; the password was not looked at.
    """
    user_id, limits = _admit(runtime, known_address(login.address), login, now)
    with runtime.read() as session:
        kept = None if user_id is None else users.credentials_of(session, user_id)
    usable = kept is not None and not kept.disabled and len(login.password) <= MAX_LENGTH
    matches = verify_password(kept.password_hash if kept and usable else None, login.password[:MAX_LENGTH])
    if kept is None or kept.password_hash is None or not matches:
        raise NotSignedIn(REFUSED)
    renewed = hash_password(login.password) if is_outdated(kept.password_hash) else None
    with runtime.write() as session:
        forgive(session, *limits, now)
        users.forget_old_attempts(session, now - FORGET_AFTER)
        if renewed:
            users.change_user(session, kept.user_id, password_hash=renewed)
        note = AuditNote.by_user(kept.user_id, "password-accepted", login.client.ip)
        audit.record(session, note, now)
    return Recognised(kept.user_id, needs_code=kept.totp_secret is not None)


def check_again(runtime: Runtime, user_id: int, password: str, now: datetime) -> None:
    """Ask somebody who is signed in for the password once more, before something grave.

    Raises:
        NotSignedIn: it is not theirs.
        TooManyAttempts: the next try is heard later.
    """
    limit = Limit(f"again:{user_id}", FREE_PER_ACCOUNT)
    with runtime.write() as session:
        admit(session, (limit,), now)
        kept = users.credentials_of(session, user_id)
    if kept is None or not verify_password(kept.password_hash, password[:MAX_LENGTH]):
        raise NotSignedIn("That is not your present password.")
    with runtime.write() as session:
        users.forget_attempts(session, [limit.key])


def _admit(
    runtime: Runtime, address: str | None, login: Login, now: datetime
) -> tuple[int | None, tuple[Limit, Limit]]:
    ip = login.client.ip
    with runtime.write() as session:
        user = None if address is None else users.user_by_address(session, address)
        account = f"account:{token_hash(address or login.address[:400])}"
        if user is not None and ip and users.has_signed_in_from(session, user.id, ip):
            account = f"known:{token_hash(user.address + ip)}"
        limits = (Limit(account, FREE_PER_ACCOUNT), Limit(f"network:{ip}", FREE_PER_NETWORK_ADDRESS))
        admit(session, limits, now)
    return (None if user is None else user.id), limits


def known_address(text: str) -> str | None:
    """The normalised address; nothing where the text is none, so that it is not even looked for."""
    try:
        return normalise(text[:400])
    except AddressError:
        return None
