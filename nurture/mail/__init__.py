"""The transports: how a letter leaves the house."""
