"""`nurture init` and `nurture db`: everything that must be there before the first start."""

from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import select

from nurture.app import current_settings
from nurture.cli.console import note, result, warn
from nurture.cli.opening import begin_log, reachable_revision, runtime_of
from nurture.config import LogLevel, MailerKind, Settings, ensure_instance_secrets
from nurture.domain.roles import Role
from nurture.services.accounts import NewUser, create_user, generate_password, list_users
from nurture.services.files import Paths, apply
from nurture.services.importing.run import ImportOrder, import_leads
from nurture.services.runtime import Runtime
from nurture.store.schema import Campaign, Document, Lead
from nurture.store.upgrade import newest_revision, upgrade

EXAMPLES = Path(__file__).parents[1] / "examples" / "leads.csv"
FIRST_ADMIN = "admin@example.com"


@click.command()
@click.option("--admin", default=FIRST_ADMIN, show_default=True, help="The first administrator's address.")
@click.option("--examples/--no-examples", "with_examples", default=True, help="Whether to import examples.")
def init(admin: str, with_examples: bool) -> None:
    """Make everything ready; a second call changes nothing.

    Keys, the database, a first administrator (whose password is shown once), the campaigns of the
    directories NURTURE_CAMPAIGNS_DIR and NURTURE_TEMPLATES_DIR, and, where mails are only kept and not
    sent, a few example leads.
    """
    settings = _with_keys()
    begin_log(settings, LogLevel.WARNING)
    for warning in settings.warnings:
        warn(warning)
    with runtime_of(settings) as runtime:
        now = runtime.clock.now()
        _bring_up_to_date(runtime)
        _first_admin(runtime, admin, now)
        _first_campaigns(runtime, now)
        if with_examples:
            _first_leads(runtime, now)
    result(f"Ready. `nurture serve` starts it on {settings.base_url}")


@click.group()
def db() -> None:
    """Look after the database."""


@db.command(name="upgrade")
def db_upgrade() -> None:
    """Bring the database to the schema of this Nurture."""
    settings = current_settings()
    begin_log(settings, LogLevel.WARNING)
    with runtime_of(settings) as runtime:
        if not _bring_up_to_date(runtime):
            result(f"The database is at revision {newest_revision()} already.")


def _with_keys() -> Settings:
    settings = current_settings()
    # Keys that come from the environment are kept somewhere else: making others here would, for one,
    # change the key by which erased people are recognised.
    if settings.secret_key is None and ensure_instance_secrets(settings.var):
        result(f"Made the keys of this installation: {settings.var / 'instance.env'}. Keep a copy of them.")
        return current_settings()
    return settings


def _bring_up_to_date(runtime: Runtime) -> bool:
    before = reachable_revision(runtime.engine)
    if before == newest_revision():
        return False
    upgrade(runtime.engine)
    url = runtime.engine.url.render_as_string(hide_password=True)
    if before is None:
        result(f"Made the database: {url}")
    else:
        result(f"Upgraded the database from revision {before} to {newest_revision()}.")
    return True


def _first_admin(runtime: Runtime, address: str, now: datetime) -> None:
    if list_users(runtime):
        return
    password = generate_password()
    create_user(runtime, NewUser(address, Role.ADMIN, password=password), now)
    result("Made the first administrator. The password is shown this once:")
    result(f"  address   {address}")
    result(f"  password  {password}")


def _first_campaigns(runtime: Runtime, now: datetime) -> None:
    """Apply the files only where the database has none: from then on its own version is the truth."""
    with runtime.read() as session:
        used = session.scalar(select(Campaign.id).limit(1)) or session.scalar(select(Document.name).limit(1))
    settings = runtime.settings
    if used is not None:
        note("The campaigns stay as they are; `nurture plan` shows what the files would change.")
    elif not settings.campaigns_dir.is_dir():
        warn(f"There is no directory {settings.campaigns_dir}, so there are no campaigns yet.")
    else:
        changes = apply(runtime, Paths.of(settings), now, "cli").changes
        result(f"Applied {len(changes)} files of {settings.campaigns_dir} and {settings.templates_dir}.")


def _first_leads(runtime: Runtime, now: datetime) -> None:
    """Import the examples into an empty database whose mails stay here: they are nobody's addresses."""
    with runtime.read() as session:
        used = session.scalar(select(Lead.id).limit(1))
    if used is not None or runtime.settings.mail is not MailerKind.OUTBOX:
        return
    report = import_leads(runtime, ImportOrder(EXAMPLES), now)
    result(f"Imported {report.created} example leads.")
