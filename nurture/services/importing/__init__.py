"""Leads come in from a file: read whatever was exported, refuse row by row, write in portions."""
