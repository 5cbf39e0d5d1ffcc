"""The rules of nurturing as pure functions over frozen values: no session, no clock, no network."""
