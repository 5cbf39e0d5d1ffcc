"""The command line: `nurture`, and what it is called with."""

from nurture.cli.program import main

__all__ = ["main"]
