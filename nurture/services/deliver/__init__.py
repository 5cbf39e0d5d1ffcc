"""Sending what is due: claim, read, render, intent, mailer, result."""

from nurture.services.deliver.pace import Faults, Pace
from nurture.services.deliver.run import deliver
from nurture.services.deliver.tally import Delivered

__all__ = ["Delivered", "Faults", "Pace", "deliver"]
