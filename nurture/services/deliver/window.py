"""The sliding window: never more than so many messages between intent and recorded result.

That number is what a crash can leave in doubt. It is a window and no barrier: as answers come in, their
results and the next intents are committed together.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

import structlog
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from nurture.domain.errors import AccountRefused, OutcomeUnknown
from nurture.domain.sending import GiveUp, MessageState, RetryAt, retry
from nurture.mail.mailer import Receipt
from nurture.services.deliver.pace import Faults, Pace
from nurture.services.deliver.prepare import Ready
from nurture.services.deliver.senders import MAX_UNCLEAR, Answer, NotTried, Senders
from nurture.services.deliver.supply import Supply
from nurture.services.deliver.tally import Tally
from nurture.services.runtime import Runtime
from nurture.store import buckets
from nurture.store.messages import (
    FROM_CLAIM,
    FROM_MAILER,
    Outcome,
    Taken,
    record,
    take_intents,
    why_refused,
)

log = structlog.get_logger(__name__)

BREAK = timedelta(seconds=60)
LONG = timedelta(milliseconds=500)
RETRY_SECONDS = 0.5


class Window:
    """Moves letters from the supply through the mailer, and records what becomes of them."""

    def __init__(self, runtime: Runtime, now: datetime, pace: Pace, tally: Tally, faults: Faults) -> None:
        self._runtime, self._now, self._pace = runtime, now, pace
        self._tally, self._faults = tally, faults
        self._in_flight = 0
        self._clear = False
        self._halted = False
        self._failing_since: float | None = None

    def run(self, supply: Supply, senders: Senders) -> None:
        """Work until the supply is dry or time is up, and every answer is recorded."""
        deadline = time.monotonic() + self._pace.turn.total_seconds()
        answers: list[Answer] = []
        while True:
            over = self._halted or senders.halted or self._pace.stopping() or time.monotonic() > deadline
            letters = [] if over else self._letters(supply, len(answers))
            if letters or answers:
                answers = self._step(supply, senders, letters, answers)
            if not self._in_flight and not answers and (over or not letters):
                return
            waiting = LONG if not answers and not letters else self._pace.rest
            answers += senders.answers(waiting, self._pace.rest, min(self._pace.group, self._in_flight))

    def _letters(self, supply: Supply, answered: int) -> list[Ready]:
        """As many letters as fit in: what has been answered leaves in the transaction in which they enter."""
        free = self._runtime.settings.in_doubt_max - self._in_flight + answered
        try:
            return supply.take(max(0, min(free, self._pace.group)))
        except OperationalError as error:
            # What was claimed meanwhile is freed when its lease lapses.
            self._bear(error)
            return []

    def _step(
        self, supply: Supply, senders: Senders, letters: Sequence[Ready], answers: list[Answer]
    ) -> list[Answer]:
        """One transaction of results and intents; returns the answers that are still to be recorded."""
        try:
            with self._runtime.write() as session:
                recorded = self._record(session, answers)
                self._note_trouble(session, [answer for answer in answers if answer.tried])
                taken = self._take(session, letters)
        except OperationalError as error:
            self._bear(error)
            # Whether the commit came through is not known; the mailer was called for none of the letters.
            self._in_flight += len(letters)
            return [*answers, *(Answer(ready, NotTried()) for ready in letters)]
        except SQLAlchemyError as error:
            if not letters:
                raise
            # First of all the results, which must not be lost for the sake of one bad letter.
            left = self._step(supply, senders, [], answers)
            return left + self._one_by_one(supply, senders, letters, error)
        self._failing_since = None
        self._in_flight -= len(answers)
        self._tally.count(*recorded)
        if answers:
            self._faults("recorded")
        self._hand_over(supply, senders, letters, taken)
        return []

    def _one_by_one(
        self,
        supply: Supply,
        senders: Senders,
        letters: Sequence[Ready],
        error: SQLAlchemyError,
    ) -> list[Answer]:
        """Find the letter that the database will not have, and fail it alone."""
        left: list[Answer] = []
        if len(letters) == 1:
            supply.fail(letters[0], error)
            return left
        for ready in letters:
            left += self._step(supply, senders, [ready], [])
        return left

    def _record(self, session: Session, answers: Sequence[Answer]) -> tuple[list[Outcome], set[int]]:
        tried = [self._outcome(answer) for answer in answers if answer.tried]
        # The transaction of these may have failed before or after its commit; the token is ours either way.
        untried = [self._outcome(answer) for answer in answers if not answer.tried]
        changed = record(session, tried, FROM_MAILER, self._now)
        changed |= record(session, untried, FROM_CLAIM + FROM_MAILER, self._now)
        return tried + untried, changed

    def _take(self, session: Session, letters: Sequence[Ready]) -> Taken:
        intents = [ready.intent for ready in letters]
        taken = take_intents(session, intents, self._runtime.mailer.name, self._now)
        refused = [i for i in intents if i.message_id not in taken.passed and i.message_id not in taken.busy]
        if refused:
            outcomes = why_refused(session, refused, self._now)
            self._tally.count(outcomes, record(session, outcomes, FROM_CLAIM, self._now))
        return taken

    def _hand_over(self, supply: Supply, senders: Senders, letters: Sequence[Ready], taken: Taken) -> None:
        passed = [ready for ready in letters if ready.message.id in taken.passed]
        supply.put_back([ready for ready in letters if ready.message.id in taken.busy])
        if passed:
            self._faults("intent")
        self._in_flight += len(passed)
        if self._halted:
            senders.halt()
        for ready in passed:
            senders.put(ready)

    def _outcome(self, answer: Answer) -> Outcome:
        message, said = answer.ready.message, answer.said
        if isinstance(said, Receipt):
            sentence = f"Handed over to {self._runtime.mailer.name}."
            return Outcome(
                message.id,
                message.token,
                MessageState.SENT,
                "sent",
                "",
                sentence,
                None,
                said.provider_id or None,
            )
        if isinstance(said, NotTried):
            return Outcome(message.id, message.token, MessageState.PENDING)
        match retry(said, message.attempts + 1, self._now, message.mid):
            case RetryAt(at, sentence):
                return Outcome(
                    message.id, message.token, MessageState.PENDING, "later", "refused_for_now", sentence, at
                )
            case GiveUp(state, sentence):
                unclear = state is MessageState.UNCONFIRMED
                word, reason = ("unconfirmed", "no_answer") if unclear else ("failed", "refused")
                return Outcome(message.id, message.token, state, word, reason, sentence)

    def _note_trouble(self, session: Session, answers: Sequence[Answer]) -> None:
        """Stop where the account is refused; pause where nobody answers clearly any more."""
        name = self._runtime.mailer.name
        for answer in answers:
            if isinstance(answer.said, AccountRefused):
                buckets.stop_mailer(session, name, str(answer.said))
                self._halted = True
        unclear = list(takewhile(lambda answer: isinstance(answer.said, OutcomeUnknown), reversed(answers)))
        if not answers or (self._clear and not unclear):
            return
        doubts = buckets.note_doubts(session, name, len(unclear), after_clear=len(unclear) < len(answers))
        self._clear = doubts == 0
        if doubts >= MAX_UNCLEAR:
            buckets.pause(session, name, BREAK)
            self._halted = True

    def _bear(self, error: OperationalError) -> None:
        """Wait a little for a database that is restarting; answers are kept meanwhile."""
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if now - self._failing_since > self._pace.patience.total_seconds():
            raise error
        log.warning("results not recorded yet", action="deliver", error=type(error).__name__)
        time.sleep(RETRY_SECONDS)
