"""The outbox: one row per message, whose state only moves by compare-and-set."""

from nurture.store.messages.claim import Claimed, claim, release
from nurture.store.messages.counts import (
    Doubt,
    counts_by_state,
    in_doubt,
    open_too_long,
    pieces_held_in_vain,
    planned_by_decisions,
    unlogged,
)
from nurture.store.messages.doubt import (
    doubt_stale_sendings,
    free_lapsed_claims,
    note_reception,
    resend_by_policy,
    send_again,
    settle,
)
from nurture.store.messages.intents import SWITCH_LOCK, SWITCHES, Intent, Taken, take_intents
from nurture.store.messages.names import new_mid
from nurture.store.messages.outcomes import (
    FROM_CLAIM,
    FROM_MAILER,
    Line,
    Outcome,
    give_back_pieces,
    log,
    record,
)
from nurture.store.messages.queue import SystemMail, cancel_pending, queue_system, suppress_pending
from nurture.store.messages.refused import LOOK_AGAIN, why_refused

__all__ = [
    "FROM_CLAIM",
    "FROM_MAILER",
    "LOOK_AGAIN",
    "SWITCHES",
    "SWITCH_LOCK",
    "Claimed",
    "Doubt",
    "Intent",
    "Line",
    "Outcome",
    "SystemMail",
    "Taken",
    "cancel_pending",
    "claim",
    "counts_by_state",
    "doubt_stale_sendings",
    "free_lapsed_claims",
    "give_back_pieces",
    "in_doubt",
    "log",
    "new_mid",
    "note_reception",
    "open_too_long",
    "pieces_held_in_vain",
    "planned_by_decisions",
    "queue_system",
    "record",
    "release",
    "resend_by_policy",
    "send_again",
    "settle",
    "suppress_pending",
    "take_intents",
    "unlogged",
    "why_refused",
]
