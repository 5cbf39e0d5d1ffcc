"""The settings choose the transport, or say why there is none."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nurture.domain.errors import ConfigurationError, MessageRefused, RefusedForNow
from nurture.domain.letter import Letter
from nurture.mail.choose import make_mailer
from nurture.mail.outbox import OutboxMailer
from nurture.mail.smtp import SmtpMailer
from tests.mail.letters import LETTER, letter
from tests.support.runtimes import settings_for
from tests.support.smtp import MailServer


def keep_nothing(letter: Letter, raw: bytes) -> None:
    """An outbox that nobody looks into."""


def test_mails_are_kept_unless_told_otherwise(tmp_path: Path) -> None:
    kept: list[bytes] = []
    mailer = make_mailer(settings_for(tmp_path), lambda letter, raw: kept.append(raw))

    receipt = mailer.send(LETTER)
    mailer.close()

    assert isinstance(mailer, OutboxMailer)
    assert receipt.detail == "kept in the outbox"
    assert b"Subject: Four numbers" in kept[0]


def test_smtp_signs_where_a_key_is_configured(tmp_path: Path) -> None:
    key = tmp_path / "dkim.pem"
    key.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with MailServer() as server:
        settings = settings_for(
            tmp_path,
            mail="smtp",
            smtp_url=f"smtp://127.0.0.1:{server.port}",
            dkim_key_file=str(key),
            dkim_selector="s1",
            dkim_domain="example.com",
        )
        mailer = make_mailer(settings, keep_nothing)
        mailer.send(LETTER)
        mailer.close()

        assert isinstance(mailer, SmtpMailer)
        assert server.accepted[0].content.startswith(b"DKIM-Signature: v=1;")


def test_smtp_sends_unsigned_without_a_key(tmp_path: Path) -> None:
    with MailServer() as server:
        settings = settings_for(tmp_path, mail="smtp", smtp_url=f"smtp://127.0.0.1:{server.port}")
        mailer = make_mailer(settings, keep_nothing)
        mailer.send(LETTER)
        mailer.close()

        assert server.accepted[0].content.startswith(b"Date: ")


def test_what_cannot_send_yet_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"smtp\.sendgrid\.net"):
        make_mailer(settings_for(tmp_path, mail="sendgrid", sendgrid_api_key="SG.x"), keep_nothing)


def test_an_outbox_that_cannot_keep_a_mail_asks_for_it_again() -> None:
    def full(letter: Letter, raw: bytes) -> None:
        raise OSError("disk full")

    with pytest.raises(RefusedForNow, match="disk full"):
        OutboxMailer(full).send(LETTER)
    with pytest.raises(MessageRefused, match="control character"):
        OutboxMailer(keep_nothing).send(letter(subject="a\nb"))
