"""The alarm clocks: fixed jobs that call the services."""
