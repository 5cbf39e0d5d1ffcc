"""The database: one schema, and functions that take a Session and never commit."""
