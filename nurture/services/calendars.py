"""Public holidays by country, as values that decisions are given."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache

import holidays


@lru_cache(maxsize=2048)
def holidays_of(country: str, year: int) -> frozenset[date]:
    """The public holidays of a whole country in one year; none where the country is not known.

    `country` is an ISO 3166 alpha-2 code.
    """
    try:
        return frozenset(holidays.country_holidays(country.upper(), years=year))
    except NotImplementedError:
        return frozenset()


def holidays_around(countries: Iterable[str], now: datetime) -> dict[str, frozenset[date]]:
    """The public holidays of these countries from last year to the year after next, by country."""
    years = range(now.year - 1, now.year + 3)
    return {
        country: frozenset[date]().union(*(holidays_of(country, year) for year in years))
        for country in sorted(set(countries))
    }
