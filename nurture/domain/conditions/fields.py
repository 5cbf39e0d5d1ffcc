"""The fields that conditions may name, what kind of value each holds, and how values compare.

Evaluation in Python and compilation to SQL both start from `read_test`, so that they cannot differ in what
a condition means.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date
from enum import StrEnum
from functools import lru_cache
from math import isfinite
from types import MappingProxyType

from nurture.domain.conditions.tree import FieldTest, Operator
from nurture.domain.errors import InputError
from nurture.domain.text import can_be_stored, fold
from nurture.domain.values import LeadView, Scalar


class Owner(StrEnum):
    """Whose a field is; a custom field may be either's."""

    LEAD = "lead"
    COMPANY = "company"
    CUSTOM = "custom"


class FieldType(StrEnum):
    """What a field holds, which decides how it compares.

    A `text` compares folded; a `code` (language, country, domain …) without regard to the case of ASCII
    letters; a `band` (`50-249`, `1000+`) as a code, and by its lower bound; a `date` as ISO 8601 text; an
    `instant` by its date in UTC.
    """

    TEXT = "text"
    CODE = "code"
    BAND = "band"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `name` without its owner, `label` for people."""

    owner: Owner
    name: str
    type: FieldType
    label: str

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"


Value = str | float | bool
"""A value made ready for comparing: folded, lower-case or canonical text, a number or a flag."""


def _known(of: Owner, /, **fields: tuple[FieldType, str]) -> dict[str, Field]:
    return {f"{of}.{name}": Field(of, name, type_, label) for name, (type_, label) in fields.items()}


FIELDS: Mapping[str, Field] = MappingProxyType(
    _known(
        Owner.LEAD,
        address=(FieldType.CODE, "address"),
        domain=(FieldType.CODE, "domain of the address"),
        first_name=(FieldType.TEXT, "first name"),
        last_name=(FieldType.TEXT, "last name"),
        language=(FieldType.CODE, "language"),
        zone=(FieldType.CODE, "time zone"),
        country=(FieldType.CODE, "country"),
        source=(FieldType.CODE, "source"),
        owner=(FieldType.NUMBER, "owner"),
        created_at=(FieldType.INSTANT, "first known on"),
    )
    | _known(
        Owner.COMPANY,
        name=(FieldType.TEXT, "company"),
        domain=(FieldType.CODE, "company's domain"),
        industry=(FieldType.TEXT, "industry"),
        size=(FieldType.BAND, "company size"),
        country=(FieldType.CODE, "company's country"),
        zone=(FieldType.CODE, "company's time zone"),
    )
)
"""Every field there is but the custom ones. A lead's country is its own, else its company's."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "email": "lead.address",
        "lead.email": "lead.address",
        "company": "company.name",
        "industry": "company.industry",
        "company_size": "company.size",
        "company.company_size": "company.size",
    }
)
CUSTOM = "custom."
_CUSTOM_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CUSTOM_TYPES = {
    "text": FieldType.TEXT,
    "choice": FieldType.TEXT,
    "number": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
}

_EQUALITY = frozenset({Operator.IS, Operator.IS_NOT, Operator.IN})
_PRESENCE = frozenset({Operator.KNOWN, Operator.UNKNOWN})
_ORDER = frozenset({Operator.GTE, Operator.LTE})
_TIME = frozenset({Operator.BEFORE, Operator.AFTER})
OPERATORS: Mapping[FieldType, frozenset[Operator]] = MappingProxyType(
    {
        FieldType.TEXT: _EQUALITY | _PRESENCE | {Operator.CONTAINS},
        FieldType.CODE: _EQUALITY | _PRESENCE | {Operator.CONTAINS},
        FieldType.BAND: _EQUALITY | _PRESENCE | _ORDER | {Operator.CONTAINS},
        FieldType.NUMBER: _EQUALITY | _PRESENCE | _ORDER,
        FieldType.BOOLEAN: _EQUALITY | _PRESENCE,
        FieldType.DATE: _EQUALITY | _PRESENCE | _ORDER | _TIME,
        FieldType.INSTANT: _EQUALITY | _PRESENCE | _ORDER | _TIME,
    }
)
"""What may be asked of a field of each type."""


def find_field(name: str, custom_types: Mapping[str, str]) -> Field:
    """The field of that name; `lead.` may be left out. A custom field that is not declared is a text.

    Raises:
        InputError: when there is no such field, with those there are.
    """
    if name.startswith(CUSTOM) and _CUSTOM_NAME.fullmatch(custom := name.removeprefix(CUSTOM)):
        type_ = _CUSTOM_TYPES[custom_types.get(custom, "text")]
        return Field(Owner.CUSTOM, custom, type_, custom.replace("_", " "))
    field = FIELDS.get(ALIASES.get(name, name)) or FIELDS.get(f"lead.{name}")
    if field is None:
        known = ", ".join([*FIELDS, *(f"{CUSTOM}{custom}" for custom in sorted(custom_types))])
        raise InputError(f'There is no field "{name}". Use one of {known}.')
    return field


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field test made ready: `wanted` is empty for `known` and `unknown`, and where nothing can match."""

    field: Field
    op: Operator
    wanted: tuple[Value, ...]


def read_test(test: FieldTest, custom_types: Mapping[str, str]) -> Comparison:
    """What the test compares with what. Values that cannot be compared with the field match nothing.

    Raises:
        InputError: when there is no such field.
    """
    field = find_field(test.field, custom_types)
    if test.op not in OPERATORS[field.type]:
        return Comparison(field, test.op, ())
    operands = test.value if isinstance(test.value, tuple) else (test.value,)
    read = (_wanted(field.type, test.op, operand) for operand in operands if operand is not None)
    return Comparison(field, test.op, tuple(value for value in read if value is not None))


def problem_of(test: FieldTest, custom_types: Mapping[str, str]) -> str | None:
    """What is wrong with the test, in a sentence that says what to do; None where nothing is."""
    try:
        comparison = read_test(test, custom_types)
    except InputError as error:
        return str(error)
    field = comparison.field
    if field.owner is Owner.CUSTOM and field.name not in custom_types:
        return f'There is no custom field "{field.name}". Declare it in organisation.yaml, under fields.'
    if test.op not in OPERATORS[field.type]:
        allowed = ", ".join(sorted(OPERATORS[field.type]))
        return f'"{test.op}" cannot be asked of {field}, which holds a {field.type}. Use one of {allowed}.'
    operands = test.value if isinstance(test.value, tuple) else (test.value,)
    for operand in operands:
        if operand is not None and _wanted(field.type, test.op, operand) is None:
            return f'"{operand}" cannot be compared with {field}: {_EXPECTED[field.type]}'
    return None


_EXPECTED = {
    FieldType.TEXT: 'write a text, or ask with "unknown" for a field that is empty.',
    FieldType.CODE: 'write a text, or ask with "unknown" for a field that is empty.',
    FieldType.BAND: "write a number of people or a band such as 50-249.",
    FieldType.NUMBER: "write a number such as 12 or 0.5.",
    FieldType.BOOLEAN: "write true or false.",
    FieldType.DATE: "write a date such as 2026-12-31.",
    FieldType.INSTANT: "write a date such as 2026-12-31.",
}


@lru_cache(maxsize=4096, typed=True)
def _wanted(type_: FieldType, op: Operator, operand: str | float | bool) -> Value | None:
    text = str(operand).lower() if isinstance(operand, bool) else str(operand)
    match type_:
        case FieldType.TEXT:
            return fold(text) if text and can_be_stored(text) else None
        case FieldType.BAND if op in _ORDER:
            bound = lower_bound(text)
            return bound if bound is not None and bound < _LARGEST else None
        case FieldType.CODE | FieldType.BAND:
            return ascii_lower(text) if text and can_be_stored(text) else None
        case FieldType.NUMBER:
            return number(text)
        case FieldType.BOOLEAN:
            return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower())
        case _:
            return _iso_date(text)


def number(text: str) -> float | None:
    """The finite number that is written, or None."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    value = float(text)
    return value if isfinite(value) else None


_LARGEST = 10**18
"""More people than that are beyond what SQLite counts."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")


def _iso_date(text: str) -> str | None:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        return None


def lower_bound(band: str) -> int | None:
    """Where a band begins: 50 of `50-249`, 1000 of `1000+`, 120 of `120`; None where it says no number."""
    digits = re.match(r"[0-9]{1,99}", band)
    return int(digits[0]) if digits else None


def ascii_lower(text: str) -> str:
    """Lower case of the ASCII letters alone, which both databases know."""
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in text)


def value_of(field: Field, lead: LeadView) -> Value | None:
    """What the lead has in this field, made ready for comparing; None where it is not known."""
    return next(
        (ready for raw in _candidates(field, lead) if (ready := _ready(field.type, raw)) is not None), None
    )


def raw_value_of(field: Field, lead: LeadView) -> Scalar:
    """What the lead has in this field as it was written; None where it is not known."""
    return next((raw for raw in _candidates(field, lead) if _ready(field.type, raw) is not None), None)


def _candidates(field: Field, lead: LeadView) -> tuple[Scalar, ...]:
    """Where the value may stand; the first that is known counts."""
    company = lead.company
    if field.owner is Owner.CUSTOM:
        return (lead.fields.get(field.name), company.fields.get(field.name) if company else None)
    if field.owner is Owner.COMPANY:
        return (getattr(company, field.name) if company else None,)
    match field.name:
        case "domain":
            return (lead.address[lead.address.find("@") + 1 :],)
        case "country":
            return (lead.country, company.country if company else None)
        case "owner":
            return (lead.owner_id,)
        case "created_at":
            return (lead.created_at.astimezone(UTC).date().isoformat(),)
        case _:
            return (getattr(lead, field.name),)


def _ready(type_: FieldType, raw: Scalar) -> Value | None:
    """The value for comparing; None where it is empty or not of its type, which is not known either."""
    match type_:
        case FieldType.NUMBER:
            return raw if isinstance(raw, int | float) and not isinstance(raw, bool) else None
        case FieldType.BOOLEAN:
            return raw if isinstance(raw, bool) else None
        case _ if not isinstance(raw, str) or not raw:
            return None
        case FieldType.TEXT:
            return fold(raw)
        case FieldType.CODE | FieldType.BAND:
            return ascii_lower(raw)
        case _:
            return raw
