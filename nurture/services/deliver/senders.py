"""The threads that call the mailer, one message each at a time."""

import threading
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue
from types import TracebackType

import structlog

from nurture.domain.errors import AccountRefused, MailerError, OutcomeUnknown
from nurture.mail.mailer import Mailer, Receipt
from nurture.services.deliver.pace import Faults
from nurture.services.deliver.prepare import Ready

log = structlog.get_logger(__name__)

MAX_UNCLEAR = 5
"""So many unclear answers in a row look like an outage, in which every further message would be in doubt."""

FEW = 4
SLOW_SECONDS = 0.02
"""A mailer that answers faster keeps this few threads busy; more would only fight for the interpreter."""


@dataclass(frozen=True, slots=True)
class NotTried:
    """The mailer was never called for this message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the mailer said to one message."""

    ready: Ready
    said: Receipt | MailerError | NotTried

    @property
    def tried(self) -> bool:
        """Whether the mailer was called at all."""
        return not isinstance(self.said, NotTried)


class Senders(AbstractContextManager["Senders"]):
    """Up to `count` threads, as many as a slow mailer needs; leaving waits for what they have in hand."""

    def __init__(self, mailer: Mailer, count: int, faults: Faults) -> None:
        self._mailer, self._count, self._faults = mailer, count, faults
        self._letters: SimpleQueue[Ready | None] = SimpleQueue()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._halted = threading.Event()
        self._plenty = threading.Event()
        self._enough = 1
        self._unclear_in_a_row = 0
        self._slow = False
        self._mutex = threading.Lock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.halt()
        for _ in self._threads:
            self._letters.put(None)
        for thread in self._threads:
            thread.join()

    def put(self, ready: Ready) -> None:
        """Have a letter sent; its intent must be durable."""
        self._letters.put(ready)
        if len(self._threads) < (self._count if self._slow else min(FEW, self._count)):
            thread = threading.Thread(target=self._work, name=f"sender-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def answers(self, first_within: timedelta, rest: timedelta, enough: int) -> list[Answer]:
        """The answers that have come: waits for the first, then `rest` for more, until there are enough."""
        try:
            found = [self._answers.get(timeout=first_within.total_seconds())]
        except Empty:
            return []
        # Woken once for many answers: waking for each would cost more than sending.
        self._enough = enough - 1
        self._plenty.clear()
        if self._answers.qsize() < self._enough:
            self._plenty.wait(rest.total_seconds())
        with suppress(Empty):
            while True:
                found.append(self._answers.get_nowait())
        return found

    def halt(self) -> None:
        """Call the mailer no more; what has not been tried comes back as such."""
        self._halted.set()

    @property
    def halted(self) -> bool:
        """Whether the mailer is called no more: we were told to, or it refused the account or fell silent."""
        return self._halted.is_set()

    def _work(self) -> None:
        while (ready := self._letters.get()) is not None:
            begun = time.monotonic()
            said = self._send(ready)
            self._slow = time.monotonic() - begun > SLOW_SECONDS
            self._heed(said)
            self._answers.put(Answer(ready, said))
            if self._answers.qsize() >= self._enough:
                self._plenty.set()

    def _heed(self, said: Receipt | MailerError | NotTried) -> None:
        """Stop at once, before another thread calls in vain."""
        with self._mutex:
            unclear = isinstance(said, OutcomeUnknown)
            self._unclear_in_a_row = self._unclear_in_a_row + 1 if unclear else 0
            if isinstance(said, AccountRefused) or self._unclear_in_a_row >= MAX_UNCLEAR:
                self._halted.set()

    def _send(self, ready: Ready) -> Receipt | MailerError | NotTried:
        if self._halted.is_set():
            return NotTried()
        self._faults("calling")
        try:
            receipt = self._mailer.send(ready.letter)
        except MailerError as error:
            return error
        except Exception as error:
            # A fault of our own says nothing about what the receiver has.
            log.exception("mailer failed", action="send", message_id=ready.message.id)
            return OutcomeUnknown(f"{type(error).__name__}: {error}")
        self._faults("accepted")
        return receipt
