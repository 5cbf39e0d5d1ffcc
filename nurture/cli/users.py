"""`nurture user`: the people who work with Nurture."""

import sys

import click

from nurture.cli.console import as_json, result, table
from nurture.cli.opening import opened
from nurture.domain.errors import InputError
from nurture.domain.roles import Role
from nurture.services.accounts import NewUser, create_user, generate_password, list_users


@click.group()
def user() -> None:
    """Let people in."""


@user.command(name="add")
@click.argument("address", metavar="EMAIL")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--name", default="", help="How the person is called.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def user_add(address: str, role: str, name: str, password_stdin: bool) -> None:
    """Let somebody in. Without --password-stdin a password is made and shown once."""
    password = _typed_in() if password_stdin else generate_password()
    with opened() as runtime:
        new = NewUser(address, Role(role), name, password)
        create_user(runtime, new, runtime.clock.now())
    result(f"{address} may log in now, as {role}.")
    if not password_stdin:
        result(f"The password, shown this once: {password}")


def _typed_in() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InputError("Standard input holds no password. Give it one line: `… --password-stdin < file`.")
    return password


@user.command(name="list")
@click.option("--json", "wants_json", is_flag=True, help="For scripts.")
def user_list(wants_json: bool) -> None:
    """Show who may log in."""
    with opened() as runtime:
        people = list_users(runtime)
    rows = [
        {
            "id": person.id,
            "address": person.address,
            "name": person.name,
            "role": person.role.value,
            "second_factor": person.has_totp,
            "disabled": person.disabled_at is not None,
            "created_at": person.created_at.isoformat(),
        }
        for person in people
    ]
    if wants_json:
        as_json(rows)
    else:
        columns = ("address", "name", "role", "second factor", "state")
        table("", columns, (
            (row["address"], row["name"], row["role"], "yes" if row["second_factor"] else "no",
             "shut out" if row["disabled"] else "may log in")
            for row in rows
        ))  # fmt: skip
