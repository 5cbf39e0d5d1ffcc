"""One call of delivery, from the first claim to the last recorded result."""

from datetime import datetime

from nurture.services.deliver.pace import Faults, Pace, no_faults
from nurture.services.deliver.senders import Senders
from nurture.services.deliver.supply import Supply
from nurture.services.deliver.tally import Delivered, Tally
from nurture.services.deliver.window import Window
from nurture.services.runtime import Runtime

PACE = Pace()


def deliver(runtime: Runtime, now: datetime, pace: Pace = PACE, faults: Faults = no_faults) -> Delivered:
    """Send what is due at `now`, until nothing is left or the turn is over.

    Whoever calls this, however often and wherever it is killed: no message is handed over twice, and none
    that was planned is lost. What was in the mailer's hands at a crash, at most `settings.in_doubt_max`
    messages, becomes unconfirmed. It returns only when every answer is recorded.
    """
    tally = Tally()
    with (
        Supply(runtime, now, pace, tally, faults) as supply,
        Senders(runtime.mailer, pace.senders, faults) as senders,
    ):
        Window(runtime, now, pace, tally, faults).run(supply, senders)
    return tally.total()
