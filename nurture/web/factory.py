"""The web application: pages for people who are signed in, and a few for everybody."""

from datetime import timedelta

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from nurture.clock import Clock, SystemClock
from nurture.services.runtime import Runtime
from nurture.web import display, errors, navigation
from nurture.web.addressee import addressee
from nurture.web.auth import auth
from nurture.web.campaigns import campaigns
from nurture.web.context import RUNTIME, WALL_CLOCK
from nurture.web.dashboard import dashboard
from nurture.web.guards import check_all_declared, enforce, is_exempt, public
from nurture.web.health import health
from nurture.web.leads import leads
from nurture.web.monitoring import monitoring
from nurture.web.outbox import outbox
from nurture.web.parsing import IdConverter, SlugConverter
from nurture.web.people import people
from nurture.web.security import protect
from nurture.web.sessions import ServerSessions
from nurture.web.settings import settings
from nurture.web.tasks import tasks

BLUEPRINTS = (
    addressee,
    auth,
    campaigns,
    dashboard,
    health,
    leads,
    monitoring,
    outbox,
    people,
    settings,
    tasks,
)


def create_app(runtime: Runtime, wall: Clock | None = None) -> Flask:
    """The application for one installation.

    `wall` is the clock of the people at their screens: sessions, one-time codes and delays run by it.

    Raises:
        ConfigurationError: a route does not say who may reach it, or there is no secret key.
    """
    wall = wall or SystemClock()
    app = Flask("nurture.web")
    app.extensions[RUNTIME] = runtime
    app.extensions[WALL_CLOCK] = wall
    app.config.update(
        SECRET_KEY=runtime.settings.session_secret(),
        WTF_CSRF_TIME_LIMIT=None,  # The token lives as long as its session.
        WTF_CSRF_SSL_STRICT=False,  # Browsers may keep the Referer to themselves; the token is what counts.
        PERMANENT_SESSION_LIFETIME=timedelta(days=7),
    )
    app.session_interface = ServerSessions(runtime, wall)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_map.converters.update(slug=SlugConverter, id=IdConverter)
    protect(app, runtime.settings)
    app.before_request(enforce)
    csrf = CSRFProtect(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    public(app.view_functions["static"])
    for view in app.view_functions.values():
        if is_exempt(view):
            csrf.exempt(view)
    display.install(app)
    navigation.install(app)
    errors.install(app)
    check_all_declared(app)
    return app
