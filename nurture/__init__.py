"""Nurture: a lead-nurturing campaign server that can explain and prove what it does."""

__version__ = "0.1.0"
