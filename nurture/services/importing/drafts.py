"""Turns a row of text into a lead to be written, or says why it cannot be."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeVar

import idna

from nurture.domain.definition.organisation import CustomField
from nurture.domain.errors import AddressError, InputError
from nurture.domain.text import fold
from nurture.domain.timing.zones import known_zone
from nurture.domain.values import Lifecycle, Scalar, Stage
from nurture.net.addresses import normalise
from nurture.services.importing.table import Row

Rung = TypeVar("Rung", bound=StrEnum)

MAX_NAME = 200
MAX_TEXT = 10_000

ALIASES = {
    "e-mail": "email",
    "email address": "email",
    "e-mail address": "email",
    "mail": "email",
    "address": "email",
    "firstname": "first_name",
    "first name": "first_name",
    "given name": "first_name",
    "lastname": "last_name",
    "last name": "last_name",
    "surname": "last_name",
    "family name": "last_name",
    "lang": "language",
    "locale": "language",
    "timezone": "zone",
    "time zone": "zone",
    "company name": "company",
    "organisation": "company",
    "organization": "company",
    "website": "domain",
    "company domain": "domain",
    "company size": "company_size",
    "employees": "company_size",
    "size": "company_size",
    "tag": "tags",
    "opt-in": "consent",
}
"""Headers that other programs write, and what they are called here."""

COLUMNS = frozenset(
    {
        "email", "first_name", "last_name", "language", "zone", "tags", "lifecycle", "stage", "consent",
        "company", "domain", "industry", "company_size", "country",
    }
)  # fmt: skip

_NO = frozenset(
    {"no", "n", "false", "0", "none", "-", "–", "non", "nein", "não", "nao", "opted out", "unsubscribed"}
)
"""What stands in a column of consent where there is none."""

_COUNTRIES = {"UK": "GB", "EL": "GR"}
"""Codes in common use that ISO 3166 does not have. Source: ISO 3166-1, exceptional reservations."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_SCHEME = re.compile(r"[a-z]+://")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_BANDS = ((10, "1-9"), (50, "10-49"), (250, "50-249"), (1000, "250-999"))


@dataclass(frozen=True, slots=True)
class CompanyDraft:
    """What a row says about its lead's company; `name` is empty where it does not say which one that is."""

    name: str
    domain: str | None
    values: Mapping[str, str]
    fields: Mapping[str, Scalar]

    @property
    def key(self) -> str:
        """By what rows of one company find each other: its domain, else its name."""
        return self.domain or f"name:{fold(self.name)}"


@dataclass(frozen=True, slots=True)
class LeadDraft:
    """A lead to be written; what the row leaves open is left as it is.

    `consent` is how it was given, `""` where the row says that it was not.
    """

    address: str
    values: Mapping[str, str]
    fields: Mapping[str, Scalar]
    tags: tuple[str, ...] = ()
    lifecycle: Lifecycle | None = None
    stage: Stage | None = None
    consent: str | None = None
    company: CompanyDraft | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column of a file means; `ignored` are those that mean nothing here."""

    meaning: Mapping[str, str]
    ignored: tuple[str, ...]
    fields: Mapping[str, CustomField] = field(default_factory=dict)


def understand(header: tuple[str, ...], custom: tuple[CustomField, ...]) -> Columns:
    """Map a header to fields, by name.

    Raises:
        InputError: there is no column with addresses, or two columns mean the same.
    """
    fields = {one.name: one for one in custom}
    exact = {column: name for column in header if (name := _bare(column)) in COLUMNS or name in fields}
    # A column with the very name goes before those that other programs call so.
    others = {
        column: ALIASES[column]
        for column in header
        if column in ALIASES and column not in exact and ALIASES[column] not in exact.values()
    }
    meaning = {**exact, **others}
    for name, count in Counter(meaning.values()).items():
        if count > 1:
            columns = ", ".join(column for column, meant in meaning.items() if meant == name)
            raise InputError(f'These columns all mean "{name}": {columns}. Rename or remove all but one.')
    if "email" not in meaning.values():
        raise InputError(
            'No column holds the addresses. Name one "email"; '
            f"the header has: {', '.join(filter(None, header))[:300]}."
        )
    ignored = tuple(column for column in header if column and column not in meaning)
    return Columns(meaning, ignored, fields)


def _bare(column: str) -> str:
    return column.removeprefix("lead.").removeprefix("company.").removeprefix("custom.")


def draft(row: Row, columns: Columns) -> LeadDraft:
    """The lead that a row describes.

    Raises:
        InputError: the row cannot be used; the message says which cell and why.
    """
    if row.fault:
        raise InputError(f"The row {row.fault}")
    cells = {
        columns.meaning[name]: cell for name, cell in row.cells.items() if name in columns.meaning and cell
    }
    values: dict[str, str] = {}
    for name in ("first_name", "last_name"):
        if name in cells:
            values[name] = _short(name, cells[name])
    if "language" in cells:
        values["language"] = _language(cells["language"])
    if "zone" in cells:
        values["zone"] = _zone(cells["zone"])
    if "country" in cells:
        values["country"] = _country(cells["country"])
    return LeadDraft(
        address=_address(cells.get("email", "")),
        values=values,
        fields=_custom(cells, columns, "lead"),
        tags=_tags(cells.get("tags", "")),
        lifecycle=_choice(Lifecycle, "lifecycle", cells.get("lifecycle")),
        stage=_choice(Stage, "stage", cells.get("stage")),
        consent=_consent(cells.get("consent")),
        company=_company(cells, columns),
    )


def _address(text: str) -> str:
    if not text:
        raise AddressError("The row has no address.")
    return normalise(text)


def _short(name: str, text: str, limit: int = MAX_NAME) -> str:
    clean = _CONTROLS.sub("", text)
    if len(clean) > limit:
        raise InputError(f"{name} is {len(clean)} characters long; at most {limit} are kept.")
    return clean


def _language(text: str) -> str:
    tag = text.replace("_", "-").lower()
    if not _LANGUAGE.fullmatch(tag) or len(tag) > 35:
        raise InputError(f'language "{text[:40]}" is not a language tag such as en, fr or pt-BR.')
    return tag


def _zone(text: str) -> str:
    if not known_zone(text):
        raise InputError(f'zone "{text[:60]}" is not a time zone such as Europe/Lisbon.')
    return text


def _country(text: str) -> str:
    if not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise InputError(f'country "{text[:40]}" is not a two-letter code such as FR (ISO 3166).')
    return _COUNTRIES.get(text.upper(), text.upper())


def _consent(text: str | None) -> str | None:
    if text is None:
        return None
    return "" if text.casefold() in _NO else _short("consent", text)


def _tags(text: str) -> tuple[str, ...]:
    tags = (part.strip() for part in text.replace(",", ";").split(";"))
    return tuple(dict.fromkeys(_short("tags", tag, 100) for tag in tags if tag))


def _choice(kind: type[Rung], name: str, text: str | None) -> Rung | None:
    if text is None:
        return None
    wanted = text.lower().replace(" ", "_").replace("-", "_")
    for member in kind:
        if member.value == wanted:
            return member
    raise InputError(f'{name} "{text[:40]}" is none of {", ".join(kind)}.')


def _company(cells: Mapping[str, str], columns: Columns) -> CompanyDraft | None:
    domain = _domain(cells["domain"]) if "domain" in cells else None
    name = _short("company", cells.get("company", ""))
    values = {}
    if "industry" in cells:
        values["industry"] = _short("industry", cells["industry"], 100).lower()
    if "company_size" in cells:
        values["size"] = _band(cells["company_size"])
    if "country" in cells:
        values["country"] = _country(cells["country"])
    fields = _custom(cells, columns, "company")
    if not (name or domain or fields or values.keys() - {"country"}):
        # A country alone is the lead's.
        return None
    return CompanyDraft(name or domain or "", domain, values, fields)


def _domain(text: str) -> str:
    host = re.split(r"[/?#:]", _SCHEME.sub("", text.lower()), maxsplit=1)[0].strip(". ")
    try:
        domain = idna.encode(host.removeprefix("www."), uts46=True).decode()
    except idna.IDNAError:
        domain = ""
    if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
        raise InputError(f'domain "{text[:60]}" is not a domain such as example.com.')
    return domain


def _band(text: str) -> str:
    digits = text.replace(" ", "").replace(",", "").replace(".", "")
    if not digits.isdecimal() or not digits.isascii():
        return _short("company_size", text.replace("–", "-").replace(" ", ""), 32)
    return next((band for limit, band in _BANDS if int(digits[:9]) < limit), "1000+")


def _custom(cells: Mapping[str, str], columns: Columns, of: str) -> dict[str, Scalar]:
    return {
        name: _typed(one, cells[name])
        for name, one in columns.fields.items()
        if one.of == of and name in cells
    }


def _typed(one: CustomField, text: str) -> Scalar:
    try:
        match one.type:
            case "number":
                return _number(text)
            case "boolean":
                return _FLAGS[text.lower()]
            case "date":
                return date.fromisoformat(text).isoformat()
            case "choice":
                return next(choice for choice in one.choices if choice.casefold() == text.casefold())
            case _:
                return _short(one.name, text, MAX_TEXT)
    except (ValueError, KeyError, StopIteration) as fault:
        allowed = f" (one of {', '.join(one.choices)})" if one.choices else ""
        raise InputError(f'{one.name} "{text[:60]}" is not a {one.type}{allowed}.') from fault


def _number(text: str) -> float:
    number = float(text.replace(",", "."))
    if not math.isfinite(number):
        raise ValueError(text)
    return number
