"""Messages a second from the outbox to a mail server, everything on."""

import time
from datetime import timedelta
from statistics import median

from sqlalchemy import func, select

from bench.house import open_house, queue
from bench.measured import Measured
from bench.sink import smtp_sink, smtp_source
from nurture.mail import mime
from nurture.services.deliver.load import load
from nurture.services.deliver.prepare import Ready, prepare
from nurture.services.runtime import Runtime
from nurture.store.messages import claim, release
from nurture.store.schema import Message
from nurture.worker import tasks

ROUNDS = 3
MESSAGES = 3000
REFERENCE_MESSAGES = 20_000
WARM_UP = 200


def end_to_end() -> Measured:
    """`worker.tasks.deliver` to smtp-sink, in turns with smtp-source to the same sink.

    Claim, lead data, rendering with tracked links, intent with its binding check, SMTP, result, decision
    log. The messages of both are of one size.
    """
    with smtp_sink() as port, open_house(port) as runtime:
        queue(runtime, WARM_UP)
        size = _size_of_a_message(runtime)
        _deliver_all(runtime)
        values, references = [], []
        for _ in range(ROUNDS):
            references.append(smtp_source(port, REFERENCE_MESSAGES, size))
            queue(runtime, MESSAGES)
            begun = time.perf_counter()
            _deliver_all(runtime)
            values.append(MESSAGES / (time.perf_counter() - begun))
        _check_all_sent(runtime)
    ratios = [value / reference for value, reference in zip(values, references, strict=True)]
    name = f"end to end, {size} bytes, SQLite, one worker; reference smtp-source -s 20 -d"
    return Measured(name, median(values), "messages/s", median(references), median(ratios), ROUNDS)


def _deliver_all(runtime: Runtime) -> None:
    while tasks.deliver(runtime):
        pass


def _size_of_a_message(runtime: Runtime) -> int:
    now = runtime.clock.now()
    with runtime.write() as session:
        [message] = claim(session, now, 1, timedelta(seconds=60))
        backdrop = load(session, [message], now)
        release(session, [message], now)
    ready = prepare(runtime, message, backdrop, now)
    if not isinstance(ready, Ready):
        raise RuntimeError(f"The message would not be sent: {ready.sentence}")
    return len(mime.build(ready.letter))


def _check_all_sent(runtime: Runtime) -> None:
    with runtime.read() as session:
        unsent = session.scalar(select(func.count()).where(Message.state != "sent"))
    if unsent:
        raise RuntimeError(f"{unsent} messages were not sent.")
