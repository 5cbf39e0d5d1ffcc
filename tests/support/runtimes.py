"""A runtime as tests want it: their database, their clock, keys of no worth, mails kept in the outbox."""

from pathlib import Path

from sqlalchemy import Engine

from nurture.clock import Clock
from nurture.config import Settings, load_settings
from nurture.mail.outbox import OutboxMailer
from nurture.services.outbox import keeper
from nurture.services.runtime import Runtime
from nurture.tokens import LinkKeys

SECRET = "a-secret-of-tests-that-is-long-enough"


def settings_for(var: Path, **given: str) -> Settings:
    """Settings of an installation below `var`; `mail="smtp"` stands for NURTURE_MAIL=smtp."""
    environ = {f"NURTURE_{name.upper()}": value for name, value in given.items()}
    keys = {
        "NURTURE_SECRET_KEY": SECRET,
        "NURTURE_LINK_KEYS": f"1:{SECRET}",
        "NURTURE_SUPPRESSION_KEY": SECRET,
    }
    return load_settings({"NURTURE_VAR": str(var), **keys, **environ})


def runtime_on(engine: Engine, clock: Clock, settings: Settings) -> Runtime:
    """A runtime on a database that has its schema."""
    mailer = OutboxMailer(keeper(engine, clock))
    return Runtime(settings, engine, clock, mailer, LinkKeys.parse(settings.link_ring()))
