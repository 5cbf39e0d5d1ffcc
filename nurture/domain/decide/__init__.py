"""The heart: what is to be done for one passage now, as values; nothing here does anything."""

from nurture.domain.decide.flow import Flow, compile_flow
from nurture.domain.decide.values import (
    Context,
    Effect,
    Exit,
    Note,
    Notify,
    Passage,
    QueueMessage,
    ReachGoal,
    SleepUntil,
    Update,
)
from nurture.domain.decide.walk import decide

__all__ = [
    "Context",
    "Effect",
    "Exit",
    "Flow",
    "Note",
    "Notify",
    "Passage",
    "QueueMessage",
    "ReachGoal",
    "SleepUntil",
    "Update",
    "compile_flow",
    "decide",
]
