"""Measurements, each beside a reference of the same run on the same machine."""
