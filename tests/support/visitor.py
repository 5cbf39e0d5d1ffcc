"""Somebody with a browser, as far as a test client is one."""

import re
from dataclasses import dataclass, field

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Visitor:
    """Keeps cookies, and puts the token of the last page into every form."""

    app: Flask
    ip: str = "203.0.113.7"
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, path: str, **options: object) -> TestResponse:
        """Open a page."""
        return self.client.get(path, environ_overrides={"REMOTE_ADDR": self.ip}, buffered=True, **options)  # type: ignore[arg-type]

    def post(self, path: str, form: dict[str, str] | None = None, **options: object) -> TestResponse:
        """Send a form with the token that its page holds."""
        data = {"csrf_token": self.token(), **(form or {})}
        return self.client.post(
            path, data=data, environ_overrides={"REMOTE_ADDR": self.ip}, buffered=True, **options
        )  # type: ignore[arg-type]

    def token(self) -> str:
        """The token of this session's forms."""
        page = self.get("/account")
        if page.status_code != 200:
            page = self.get("/forgot")
        found = TOKEN.search(page.text)
        assert found, "the page has no form"
        return found[1]

    def log_in(self, address: str, password: str, path: str = "/login") -> TestResponse:
        """Give address and password."""
        return self.post(path, {"address": address, "password": password})

    def is_in(self) -> bool:
        """Whether the dashboard opens."""
        return self.get("/").status_code == 200
