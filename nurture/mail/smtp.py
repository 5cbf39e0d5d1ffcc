"""SMTP: messages over connections that stay open, shared by the sender threads."""

import threading
import time

from nurture.config.smtp_url import SmtpServer
from nurture.domain.errors import HeaderError, MailerError, MessageRefused
from nurture.domain.letter import Letter
from nurture.mail import headers, mime
from nurture.mail.dkim import DkimKey
from nurture.mail.mailer import Receipt
from nurture.mail.smtp_session import Patience, SmtpSession

IDLE_SECONDS = 60.0
"""How long a connection may rest and be used again; most servers hang up after five minutes."""


class SmtpMailer:
    """Hands messages to one mail server over as many connections as threads call it at once."""

    name = "smtp"

    def __init__(
        self, server: SmtpServer, dkim: DkimKey | None = None, patience: Patience | None = None
    ) -> None:
        self._server = server
        self._dkim = dkim
        self._patience = patience or Patience()
        self._idle: list[SmtpSession] = []
        self._mutex = threading.Lock()

    def send(self, letter: Letter) -> Receipt:
        """Hand over one message and say that it was taken (see `Mailer`)."""
        session = self._idle_session()
        if session is not None:
            try:
                return self._send(session, letter)
            except MailerError:
                if not session.hung_up:
                    raise
        # There was no connection, or the server had given it up before it heard of this message.
        return self._send(SmtpSession.open(self._server, self._patience), letter)

    def close(self) -> None:
        """Say goodbye on every idle connection."""
        with self._mutex:
            idle, self._idle = self._idle, []
        for session in idle:
            session.quit()

    def _send(self, session: SmtpSession, letter: Letter) -> Receipt:
        try:
            reply = session.send(*self._envelope(letter, session), self._content(letter, session))
        except MailerError:
            if session.reset():
                self._keep(session)
            else:
                session.close()
            raise
        self._keep(session)
        return Receipt(detail=str(reply)[:255])

    def _envelope(self, letter: Letter, session: SmtpSession) -> tuple[str, str]:
        utf8_offered = session.offers("SMTPUTF8")
        sender = letter.envelope_sender or letter.sender.address
        return (
            headers.address(sender, utf8_offered=utf8_offered),
            headers.address(letter.recipient.address, utf8_offered=utf8_offered),
        )

    def _content(self, letter: Letter, session: SmtpSession) -> mime.Wire:
        try:
            message = mime.build(letter, utf8_offered=session.offers("SMTPUTF8"))
        except HeaderError as error:
            raise MessageRefused(str(error)) from error
        return message if self._dkim is None else self._dkim.sign(message)

    def _idle_session(self) -> SmtpSession | None:
        while True:
            with self._mutex:
                session = self._idle.pop() if self._idle else None
            if session is None:
                return None
            if time.monotonic() - session.used_at < IDLE_SECONDS and session.usable():
                return session
            session.quit()

    def _keep(self, session: SmtpSession) -> None:
        with self._mutex:
            self._idle.append(session)
