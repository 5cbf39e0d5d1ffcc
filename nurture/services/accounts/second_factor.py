"""The second factor: six digits from an app (TOTP), or one of ten recovery codes.

Source: RFC 6238; a code is accepted one step (30 s) early or late, and only once.
"""

import hmac
import secrets
from datetime import datetime

import pyotp

from nurture.domain.errors import NotSignedIn
from nurture.services.accounts.throttle import Limit, admit
from nurture.services.accounts.vault import decrypt, encrypt, keyed_hash
from nurture.services.runtime import Runtime
from nurture.store import audit, users
from nurture.store.audit import AuditNote

STEP_SECONDS = 30
DRIFT_STEPS = (0, -1, 1)
FREE_TRIES = 5
RECOVERY_CODES = 10
_CODE_CHARACTERS = "abcdefghijkmnpqrstuvwxyz23456789"
WRONG_CODE = "That code is wrong, or it was used before."


def new_secret() -> str:
    """A fresh secret for an authenticator app, in base32."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, address: str, issuer: str) -> str:
    """What the QR code says to the app."""
    return pyotp.TOTP(secret).provisioning_uri(name=address, issuer_name=issuer)


def seal(runtime: Runtime, secret: str, user_id: int) -> str:
    """The secret as it may lie in the database."""
    return encrypt(runtime, "totp", secret, f"user:{user_id}")


def unseal(runtime: Runtime, sealed: str, user_id: int) -> str:
    """The secret that `seal` hid.

    Raises:
        SecurityError: it was sealed for somebody else or under another key.
    """
    return decrypt(runtime, "totp", sealed, f"user:{user_id}")


def turn_on(runtime: Runtime, user_id: int, sealed: str, code: str, now: datetime) -> tuple[str, ...]:
    """Ask for a second factor from now on; returns the recovery codes, which are shown this once.

    Raises:
        NotSignedIn: the code does not show that the app has the secret.
        TooManyAttempts: the next try is heard later.
    """
    with runtime.write() as session:
        admit(session, (Limit(f"code:{user_id}", FREE_TRIES),), now)
    step = matching_step(unseal(runtime, sealed, user_id), code, now)
    if step is None:
        raise NotSignedIn(WRONG_CODE)
    codes = _new_codes()
    with runtime.write() as session:
        users.change_user(
            session,
            user_id,
            totp_secret=sealed,
            totp_last_step=step,
            recovery_hashes=[_code_hash(runtime, recovery) for recovery in codes],
        )
        users.forget_attempts(session, [f"code:{user_id}"])
        audit.record(session, AuditNote.by_user(user_id, "second-factor-on"), now)
    return codes


def turn_off(runtime: Runtime, user_id: int, now: datetime, actor: str) -> None:
    """Ask for the password alone again."""
    with runtime.write() as session:
        users.change_user(session, user_id, totp_secret=None, recovery_hashes=[])
        audit.record(session, AuditNote(actor, "second-factor-off", f"user:{user_id}"), now)


def renew_recovery_codes(runtime: Runtime, user_id: int, now: datetime) -> tuple[str, ...]:
    """Ten new recovery codes; the old ones stop working."""
    codes = _new_codes()
    with runtime.write() as session:
        hashes = [_code_hash(runtime, code) for code in codes]
        users.change_user(session, user_id, recovery_hashes=hashes)
        audit.record(session, AuditNote.by_user(user_id, "recovery-codes-renewed"), now)
    return codes


def check_code(runtime: Runtime, user_id: int, code: str, now: datetime) -> None:
    """Accept a code of the app or a recovery code, each once.

    Raises:
        NotSignedIn: it is neither, or it was used before.
        TooManyAttempts: the next try is heard later.
    """
    with runtime.write() as session:
        admit(session, (Limit(f"code:{user_id}", FREE_TRIES),), now)
        kept = users.credentials_of(session, user_id)
    if kept is None or kept.totp_secret is None or kept.disabled:
        raise NotSignedIn(WRONG_CODE)
    step = matching_step(unseal(runtime, kept.totp_secret, user_id), code, now)
    with runtime.write() as session:
        if step is not None:
            spent = users.spend_totp_step(session, user_id, step)
        else:
            spent = users.spend_recovery_code(session, user_id, _code_hash(runtime, code))
        if not spent:
            raise NotSignedIn(WRONG_CODE)
        users.forget_attempts(session, [f"code:{user_id}"])
        means = "app" if step is not None else "recovery code"
        audit.record(session, AuditNote.by_user(user_id, "code-accepted", means=means), now)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Which 30-second step since 1970 the code belongs to, if it is one of the present ones."""
    digits = "".join(character for character in code if character in "0123456789")
    if len(digits) != 6 or len(code) > 12:
        return None
    present = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    steps = [present + drift for drift in DRIFT_STEPS]
    return next(
        (step for step in steps if hmac.compare_digest(totp.generate_otp(step), digits)),
        None,
    )


def _new_codes() -> tuple[str, ...]:
    return tuple(
        "-".join("".join(secrets.choice(_CODE_CHARACTERS) for _ in range(5)) for _ in range(2))
        for _ in range(RECOVERY_CODES)
    )


def _code_hash(runtime: Runtime, code: str) -> str:
    letters = "".join(character for character in code.casefold()[:64] if character.isalnum())
    return keyed_hash(runtime, "recovery", letters)
