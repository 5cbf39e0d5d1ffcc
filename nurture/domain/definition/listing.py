"""What files that list things by slug have in common."""

from collections.abc import Iterable


def refuse_repeats(kind: str, names: Iterable[str]) -> None:
    """Refuse a list in which a name stands twice.

    Raises:
        ValueError: with the first name that is repeated.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f'the {kind} "{name}" is listed twice')
        seen.add(name)
