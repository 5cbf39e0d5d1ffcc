"""The details that an event must have: what is written is text, what an event holds may be more.

As with fields, evaluation and compilation to SQL both start from what is read here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nurture.domain.conditions.fields import number
from nurture.domain.text import can_be_stored
from nurture.domain.values import Scalar

_NAME = re.compile(r"[A-Za-z0-9_.:/ -]{1,64}")


@dataclass(frozen=True, slots=True)
class Detail:
    """One wanted detail; any of `texts`, `numbers` and `flags` will do, the one the value is of."""

    name: str
    texts: tuple[str, ...]
    numbers: tuple[float, ...]
    flags: tuple[bool, ...]

    def is_in(self, data: Mapping[str, Scalar]) -> bool:
        """Whether an event's data has it. Texts compare exactly: an address of a page minds its case."""
        value = data.get(self.name)
        match value:
            case None:
                return False
            case bool():
                return value in self.flags
            case str():
                return value in self.texts
            case _:
                return value in self.numbers


def read_details(where: Mapping[str, tuple[str, ...]]) -> tuple[Detail, ...]:
    """What is wanted, ready for comparing. A name that no event can have is wanted in vain."""
    return tuple(_read(name, wanted if has_good_name(name) else ()) for name, wanted in sorted(where.items()))


def _read(name: str, wanted: tuple[str, ...]) -> Detail:
    numbers = (number(text) for text in wanted)
    return Detail(
        name=name,
        texts=tuple(text for text in wanted if can_be_stored(text)),
        numbers=tuple(value for value in numbers if value is not None),
        flags=tuple(text == "true" for text in wanted if text in ("true", "false")),
    )


def has_good_name(name: str) -> bool:
    """Whether an event may have a detail of this name: ASCII letters, digits and a few signs."""
    return _NAME.fullmatch(name) is not None
