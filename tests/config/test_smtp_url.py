"""The mail server's address: protected unless it is this machine or somebody insists."""

from pathlib import Path

import pytest

from nurture.config import Security, SmtpServer


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://localhost", SmtpServer("localhost", 25, Security.NONE)),
        ("smtp://127.0.0.1:2525", SmtpServer("127.0.0.1", 2525, Security.NONE)),
        ("smtp://localhost?starttls=required", SmtpServer("localhost", 25, Security.STARTTLS)),
        ("smtp://mail.example.com", SmtpServer("mail.example.com", 25, Security.STARTTLS)),
        ("smtp://mail.example.com?starttls=never", SmtpServer("mail.example.com", 25, Security.NONE)),
        ("smtp://u:p@mail.example.com", SmtpServer("mail.example.com", 587, Security.STARTTLS, "u", "p")),
        ("smtps://u:p%40%2F@mail.example.com", SmtpServer("mail.example.com", 465, Security.TLS, "u", "p@/")),
        ("smtp://[::1]:25", SmtpServer("::1", 25, Security.NONE)),
        (
            "smtps://mail.example.com?ca=/etc/ca.pem",
            SmtpServer("mail.example.com", 465, Security.TLS, ca_file=Path("/etc/ca.pem")),
        ),
    ],
)
def test_an_address_says_host_port_and_protection(url: str, expected: SmtpServer) -> None:
    assert SmtpServer.parse(url) == expected


def test_a_password_may_not_travel_unprotected() -> None:
    with pytest.raises(ValueError, match="unprotected"):
        SmtpServer.parse("smtp://u:p@mail.example.com?starttls=never")
    assert SmtpServer.parse("smtp://u:p@localhost?starttls=never").security is Security.NONE
