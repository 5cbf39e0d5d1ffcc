"""`nurture` itself: a table of commands, each loaded only when it is called."""

import sys
from dataclasses import dataclass
from importlib import import_module

import click

from nurture.cli.console import complain
from nurture.domain.errors import NurtureError


@dataclass(frozen=True, slots=True)
class Listed:
    """A command as `--help` shows it, and where it is."""

    place: str
    summary: str
    section: str = ""


RUN, CAMPAIGNS, LEADS, HOUSE = "Set up and run", "Campaigns and templates", "Leads", "The house"

COMMANDS = {
    "init": Listed("nurture.cli.setup:init", "Make everything ready; a second call changes nothing.", RUN),
    "serve": Listed("nurture.cli.serving:serve", "Run the app and the worker.", RUN),
    "work": Listed("nurture.cli.serving:work", "Run the worker alone, or every job once.", RUN),
    "web": Listed("nurture.cli.serving:web", "Run the app alone."),
    "check": Listed("nurture.cli.files:check", "Look for mistakes in the files.", CAMPAIGNS),
    "plan": Listed("nurture.cli.files:plan", "Show what `apply` would change, and whom.", CAMPAIGNS),
    "apply": Listed("nurture.cli.files:apply", "Bring the files into the database.", CAMPAIGNS),
    "export": Listed("nurture.cli.files:export", "Write the files that the database holds.", CAMPAIGNS),
    "leads": Listed("nurture.cli.leads:leads", "Import leads.", LEADS),
    "suppression": Listed("nurture.cli.leads:suppression", "Import addresses not to be mailed.", LEADS),
    "explain": Listed("nurture.cli.explaining:explain", "Tell everything about a lead, and why.", LEADS),
    "erase": Listed("nurture.cli.leads:erase", "Forget a person for good.", LEADS),
    "stop": Listed("nurture.cli.switches:stop", "Stop all sending at once.", HOUSE),
    "go": Listed("nurture.cli.switches:go", "Let sending go on.", HOUSE),
    "user": Listed("nurture.cli.users:user", "Let people in.", HOUSE),
    "backup": Listed("nurture.cli.copies:backup", "Copy the database while it works.", HOUSE),
    "restore": Listed("nurture.cli.copies:restore", "Go back to a backup, with sending on hold.", HOUSE),
    "db": Listed("nurture.cli.setup:db", "Look after the database.", HOUSE),
    "doctor": Listed("nurture.cli.doctor:doctor", "Say what is wrong.", HOUSE),
}


class Program(click.Group):
    """The group of all commands; turns Nurture's own errors into one line and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command that is not hidden."""
        return [name for name, listed in COMMANDS.items() if listed.section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        listed = COMMANDS.get(cmd_name)
        if listed is None:
            return None
        module, _, attribute = listed.place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        for section in (RUN, CAMPAIGNS, LEADS, HOUSE):
            with formatter.section(section):
                rows = [(name, one.summary) for name, one in COMMANDS.items() if one.section == section]
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except NurtureError as fault:
            complain(str(fault) or type(fault).__name__)
            sys.exit(1)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nurture")
def main() -> None:
    """Nurture turns strangers who showed some interest into customers.

    Settings come from the environment and from the file .env; docs/settings.md lists them.
    """
