"""Puts an installation together: settings become a runtime, a runtime becomes a web application."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nurture.clock import Clock, SystemClock
from nurture.config import Settings, load_settings
from nurture.domain.letter import Letter
from nurture.mail.choose import make_mailer
from nurture.services.outbox import keep
from nurture.services.runtime import Runtime
from nurture.store.base import make_engine
from nurture.tokens import LinkKeys

if TYPE_CHECKING:
    from flask import Flask


def current_settings() -> Settings:
    """The settings of this process: the environment, then `.env`, then what `nurture init` has written."""
    return load_settings(os.environ, Path(".env"))


def build_runtime(settings: Settings, clock: Clock | None = None) -> Runtime:
    """Everything that use cases need, without Flask."""
    engine = make_engine(settings.database_url)
    clock = clock or SystemClock()

    def keep_in_outbox(letter: Letter, raw: bytes) -> None:
        keep(engine, letter, raw, clock.now())

    return Runtime(
        settings=settings,
        engine=engine,
        clock=clock,
        mailer=make_mailer(settings, keep_in_outbox),
        links=LinkKeys.parse(settings.link_keys),
    )


def create_app(runtime: Runtime | None = None) -> "Flask":
    """The web application; it never starts a scheduler."""
    from nurture.web.factory import create_app as create_web

    return create_web(runtime or build_runtime(current_settings()))
