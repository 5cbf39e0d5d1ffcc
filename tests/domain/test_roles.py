"""Who may do what."""

from itertools import pairwise

import pytest

from nurture.domain.roles import ALL_PERMISSIONS, PERMISSIONS, Role, may


def test_each_role_may_all_that_the_one_before_it_may_and_more() -> None:
    ordered = [PERMISSIONS[role] for role in Role]
    for lower, higher in pairwise(ordered):
        assert lower < higher


def test_an_administrator_may_everything() -> None:
    assert PERMISSIONS[Role.ADMIN] == ALL_PERMISSIONS


@pytest.mark.parametrize(
    ("role", "permission", "answer"),
    [
        (Role.VIEWER, "leads:view", True),
        (Role.VIEWER, "tasks:close", False),
        (Role.EDITOR, "tasks:close", True),
        (Role.EDITOR, "campaigns:start", False),
        (Role.SENDER, "sending:switch", True),
        (Role.SENDER, "users:manage", False),
        (Role.ADMIN, "users:manage", True),
        (Role.ADMIN, "no:such", False),
    ],
)
def test_sending_needs_a_sender_and_people_an_administrator(
    role: Role, permission: str, answer: bool
) -> None:
    assert may(role, permission) is answer
