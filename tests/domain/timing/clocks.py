"""What the tests of timing share: clocks that change in their own ways, and instants to look at."""

from datetime import UTC, datetime

from hypothesis import strategies as st

ZONES = (
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/St_Johns",
    "Antarctica/Troll",
)


def utc(text: str) -> datetime:
    """The instant that `text` means in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str) -> datetime:
    """What a clock on the wall shows, without a zone."""
    return datetime.fromisoformat(text)


shown_times = st.datetimes(local("1980-01-01"), local("2090-01-01"))
instants = st.datetimes(local("1990-01-01"), local("2060-01-01"), timezones=st.just(UTC))
