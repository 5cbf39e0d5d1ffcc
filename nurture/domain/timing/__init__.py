"""Waits, windows, quiet hours, zones and daylight saving."""
