"""What everything that talks to the outside shares."""
