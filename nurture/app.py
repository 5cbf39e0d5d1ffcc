"""Puts an installation together: settings become a runtime, a runtime becomes a web application."""

import os
from pathlib import Path

from flask import Flask

from nurture.clock import Clock, SystemClock
from nurture.config import Settings, load_settings
from nurture.mail.choose import make_mailer
from nurture.services.outbox import keeper
from nurture.services.runtime import Runtime
from nurture.store.base import make_engine
from nurture.tokens import LinkKeys
from nurture.web.factory import create_app as create_web
from nurture.web.hit_writer import HitWriter
from nurture.web.tracking import Tracking

HITS = "nurture-hits"
"""Where an application keeps its writer of hits: whoever ends the process closes it."""


def current_settings() -> Settings:
    """The settings of this process: the environment, then `.env`, then what `nurture init` has written."""
    return load_settings(os.environ, Path(".env"))


def build_runtime(settings: Settings, clock: Clock | None = None) -> Runtime:
    """Everything that use cases need, without Flask."""
    engine = make_engine(settings.database_url)
    clock = clock or SystemClock()
    return Runtime(
        settings=settings,
        engine=engine,
        clock=clock,
        mailer=make_mailer(settings, keeper(engine, clock)),
        links=LinkKeys.parse(settings.link_ring()),
    )


def create_app(runtime: Runtime | None = None) -> Flask:
    """The web application; it never starts a scheduler."""
    runtime = runtime or build_runtime(current_settings())
    app = create_web(runtime)
    writer = HitWriter(runtime, runtime.settings.var / "spool" / "hits.jsonl")
    app.extensions[HITS] = writer
    app.wsgi_app = Tracking(runtime, app.wsgi_app, writer)  # type: ignore[method-assign] # As Flask says.
    return app
