"""Accounts: the people who work with Nurture, how they log in, and their sessions."""

from nurture.services.accounts.login import Login, Recognised, authenticate, check_again
from nurture.services.accounts.passwords import generate_password
from nurture.services.accounts.people import (
    NewUser,
    Profile,
    change_profile,
    create_user,
    disable,
    enable,
    find_user,
    get_user,
    list_users,
    set_password,
    set_role,
)
from nurture.services.accounts.reset import invite, owner_of_link, request_reset, reset_password
from nurture.services.accounts.sessions import Client

__all__ = [
    "Client",
    "Login",
    "NewUser",
    "Profile",
    "Recognised",
    "authenticate",
    "change_profile",
    "check_again",
    "create_user",
    "disable",
    "enable",
    "find_user",
    "generate_password",
    "get_user",
    "invite",
    "list_users",
    "owner_of_link",
    "request_reset",
    "reset_password",
    "set_password",
    "set_role",
]
