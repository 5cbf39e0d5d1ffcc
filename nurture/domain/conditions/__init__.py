"""The one condition language: segments, branches, exits, goals, scoring criteria and lifecycle rules."""
