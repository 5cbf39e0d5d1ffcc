"""Who may do what in the app: four roles, each with everything that the one before it may."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody who works with Nurture may do."""

    VIEWER = "viewer"
    EDITOR = "editor"
    SENDER = "sender"
    ADMIN = "admin"


_OWN: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset(
        {"reports:view", "leads:view", "campaigns:view", "outbox:view", "tasks:view", "health:view"}
    ),
    Role.EDITOR: frozenset({"leads:edit", "campaigns:edit", "tasks:close"}),
    Role.SENDER: frozenset({"campaigns:start", "campaigns:stop", "outbox:settle", "sending:switch"}),
    Role.ADMIN: frozenset({"settings:view", "users:manage"}),
}


def _up_to(role: Role) -> frozenset[str]:
    roles = list(Role)
    return frozenset[str]().union(*(_OWN[lower] for lower in roles[: roles.index(role) + 1]))


PERMISSIONS: dict[Role, frozenset[str]] = {role: _up_to(role) for role in Role}
"""Every permission that a role has."""

ALL_PERMISSIONS = PERMISSIONS[Role.ADMIN]


def may(role: Role, permission: str) -> bool:
    """Whether somebody with this role has the permission."""
    return permission in PERMISSIONS[role]
