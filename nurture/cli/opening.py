"""What nearly every command begins with: the settings, the log, a runtime on a database that is ready."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from nurture.app import build_runtime, current_settings
from nurture.config import LogFormat, LogLevel, Settings
from nurture.domain.errors import ConfigurationError, ConflictError
from nurture.logs import configure_logs
from nurture.services.runtime import Runtime
from nurture.store.places import network_file_system
from nurture.store.upgrade import newest_revision, revision_of


@contextmanager
def opened() -> Iterator[Runtime]:
    """A runtime for one command; the database is at this Nurture's revision.

    Raises:
        ConfigurationError: a setting is wrong, or the database cannot be reached.
        ConflictError: the database is empty, older or newer.
    """
    settings = current_settings()
    # A command that ends after a moment tells its result itself; its log is for what goes wrong.
    begin_log(settings, LogLevel.WARNING)
    with runtime_of(settings) as runtime:
        check_current(runtime.engine)
        yield runtime


@contextmanager
def runtime_of(settings: Settings) -> Iterator[Runtime]:
    """A runtime on whatever the database holds, even nothing; its connections are closed at the end."""
    runtime = build_runtime(settings)
    check_place(settings)
    try:
        yield runtime
    finally:
        runtime.mailer.close()
        runtime.engine.dispose()


def begin_log(settings: Settings, least: LogLevel | None = None) -> None:
    """Send the log to standard error; `least` is taken instead of INFO, not instead of what was asked for."""
    level = settings.log_level
    if least is not None and level is LogLevel.INFO:
        level = least
    configure_logs(level.value, json=settings.log_format is LogFormat.JSON)


def check_place(settings: Settings) -> None:
    """Refuse a SQLite file where its locks do not hold, and make the directory it lies in.

    Raises:
        ConfigurationError: it lies on a network file system.
        Source: https://www.sqlite.org/wal.html, "WAL does not work over a network filesystem".
    """
    path = sqlite_file(settings)
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = network_file_system(path.parent)
    if kind is not None:
        raise ConfigurationError(
            f"NURTURE_DATABASE_URL names {path}, which lies on a network file system ({kind}) where SQLite's "
            "locks do not hold. Put it on a local disk, or use PostgreSQL."
        )


def sqlite_file(settings: Settings) -> Path | None:
    """The file of a SQLite database; nothing for PostgreSQL."""
    url = make_url(settings.database_url)
    return Path(str(url.database)).absolute() if url.get_backend_name() == "sqlite" else None


def check_current(engine: Engine) -> None:
    """Refuse a database that this Nurture cannot work with.

    Raises:
        ConfigurationError: it cannot be reached.
        ConflictError: it is empty, older or newer.
    """
    found, wanted = reachable_revision(engine), newest_revision()
    if found == wanted:
        return
    if found is None:
        raise ConflictError("The database is empty. Run `nurture init` first.")
    raise ConflictError(
        f"The database is at revision {found}, this Nurture needs {wanted}. Run `nurture db upgrade`."
    )


def reachable_revision(engine: Engine) -> str | None:
    """The revision that the database is at; nothing for an empty one.

    Raises:
        ConfigurationError: it cannot be reached, or is none.
    """
    try:
        return revision_of(engine)
    except (OperationalError, DBAPIError) as fault:
        url = engine.url.render_as_string(hide_password=True)
        raise ConfigurationError(f"The database {url} cannot be opened: {fault.orig}") from fault
