"""Logging in and out, getting back in, and one's own account."""

from nurture.web.auth import account, log_in, reset, second_factor  # noqa: F401 - they add their views.
from nurture.web.auth.blueprint import auth

__all__ = ["auth"]
