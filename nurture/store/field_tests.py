"""Field tests as SQL: a value that is NULL where it is not known, and what it is compared with.

Every expression here is true or false, never NULL, so that `none` can turn it round.
"""

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Numeric,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

from nurture.domain.conditions.details import Detail
from nurture.domain.conditions.fields import Comparison, Field, FieldType, Owner, Value
from nurture.domain.conditions.tree import Operator
from nurture.store.folding import TWIN
from nurture.store.schema import Company, Lead

Column = ColumnElement[Any] | InstrumentedAttribute[Any]
Truth = ColumnElement[bool]
SQLITE = "sqlite"

_FOLDED: dict[tuple[Owner, str], Column] = {
    (Owner.LEAD, "first_name"): Lead.first_name_folded,
    (Owner.LEAD, "last_name"): Lead.last_name_folded,
    (Owner.COMPANY, "name"): Company.name_folded,
    (Owner.COMPANY, "industry"): Company.industry,
}
_CODES: dict[tuple[Owner, str], Column] = {
    (Owner.LEAD, "address"): Lead.address,
    (Owner.LEAD, "language"): Lead.language,
    (Owner.LEAD, "zone"): Lead.zone,
    (Owner.LEAD, "source"): Lead.source,
    (Owner.COMPANY, "domain"): Company.domain,
    (Owner.COMPANY, "size"): Company.size,
    (Owner.COMPANY, "country"): Company.country,
    (Owner.COMPANY, "zone"): Company.zone,
}


def field_test(comparison: Comparison, dialect: str) -> Truth:
    """Whether the comparison holds for a row of `lead`."""
    field, op = comparison.field, comparison.op
    value = _value(field, dialect)
    if op is Operator.UNKNOWN:
        return not_(_of_owner(field, value.is_not(None)))
    if op is Operator.KNOWN:
        return _of_owner(field, value.is_not(None))
    if not comparison.wanted:
        return false()
    if field.type is FieldType.BAND and op in (Operator.GTE, Operator.LTE):
        value = _lower_bound(value, dialect)
    wanted = [_bound(field.type, one, dialect) for one in comparison.wanted]
    return _of_owner(field, and_(value.is_not(None), _compare(value, op, wanted, dialect)))


def _of_owner(field: Field, holds: Truth) -> Truth:
    """What holds for a company holds for its leads."""
    if field.owner is not Owner.COMPANY:
        return holds
    return exists(select(literal(1)).where(Company.id == Lead.company_id, holds).correlate(Lead))


def _compare(value: Column, op: Operator, wanted: list[Any], dialect: str) -> Truth:
    match op:
        case Operator.IS | Operator.IN:
            return value.in_(wanted)
        case Operator.IS_NOT:
            return value.not_in(wanted)
        case Operator.CONTAINS:
            return _position(wanted[0], value, dialect) > 0
        case _:
            return _ORDERINGS[op](value, wanted[0])


_ORDERINGS: dict[Operator, Callable[[Any, Any], Truth]] = {
    Operator.GTE: operator.ge,
    Operator.LTE: operator.le,
    Operator.BEFORE: operator.lt,
    Operator.AFTER: operator.gt,
}


def _bound(type_: FieldType, wanted: Value, dialect: str) -> Value | Decimal:
    """What is bound for a wanted value: flags as the texts that JSON has, numbers exactly as written."""
    if isinstance(wanted, bool):
        return "true" if wanted else "false"
    return wanted if isinstance(wanted, str) else as_number(wanted, dialect)


def as_number(number: float, dialect: str) -> float | Decimal:
    """A number to compare with numbers out of JSON: those of PostgreSQL are decimal."""
    return number if dialect == SQLITE else Decimal(repr(number))


def _value(field: Field, dialect: str) -> Column:
    """The value of a field; NULL where it is not known."""
    place = (field.owner, field.name)
    if field.owner is Owner.CUSTOM:
        of_company = _custom(Company.fields, field, dialect)
        return func.coalesce(_custom(Lead.fields, field, dialect), _from_company(of_company))
    if place in _FOLDED:
        return _not_empty(_FOLDED[place])
    if place in _CODES:
        return _not_empty(_ascii_lower(_CODES[place], dialect))
    match field.name:
        case "domain":
            return _not_empty(_ascii_lower(_domain_of(Lead.address, dialect), dialect))
        case "country":
            of_company = _from_company(_not_empty(Company.country))
            return _ascii_lower(func.coalesce(_not_empty(Lead.country), of_company), dialect)
        case "owner":
            return Lead.owner_id if dialect == SQLITE else cast(Lead.owner_id, Numeric)
        case _:
            return _date_of(Lead.created_at, dialect)


def _custom(fields: Column, field: Field, dialect: str) -> Column:
    match field.type:
        case FieldType.NUMBER:
            return json_number(fields, field.name, dialect)
        case FieldType.BOOLEAN:
            return json_flag(fields, field.name, dialect)
        case FieldType.DATE:
            return _bytewise(_not_empty(json_text(fields, (field.name,), dialect)), dialect)
        case _:
            return _not_empty(json_text(fields, (TWIN, field.name), dialect))


def _from_company(value: Column) -> Column:
    return select(value).where(Company.id == Lead.company_id).correlate(Lead).scalar_subquery()


def _not_empty(text: Column) -> Column:
    return func.nullif(text, "", type_=Text())


def _bytewise(text: Column, dialect: str) -> Column:
    """Compared by code points, as Python and SQLite do, whatever the database's language."""
    return text if dialect == SQLITE else text.collate("C")


def _ascii_lower(text: Column, dialect: str) -> Column:
    return func.lower(_bytewise(text, dialect), type_=Text())


def _domain_of(address: Column, dialect: str) -> Column:
    return func.substr(address, _position("@", address, dialect) + 1, type_=Text())


def _position(part: str, text: Column, dialect: str) -> ColumnElement[int]:
    """Where `part` begins in the text, counted from 1; 0 where it is not in it."""
    find = func.instr if dialect == SQLITE else func.strpos
    return find(text, part, type_=Integer())


def _date_of(instant: Column, dialect: str) -> Column:
    if dialect == SQLITE:
        return func.strftime("%Y-%m-%d", instant, type_=Text())
    return _bytewise(func.to_char(func.timezone("UTC", instant), "YYYY-MM-DD", type_=Text()), dialect)


def _lower_bound(band: Column, dialect: str) -> Column:
    if dialect == SQLITE:
        return case((band.op("GLOB")("[0-9]*"), cast(band, Integer)), else_=null())
    return cast(func.substring(band, "^[0-9]+", type_=Text()), Numeric)


# ---- JSON: names come from closed patterns, and are bound ----------------------------------------


def json_text(document: Column, names: tuple[str, ...], dialect: str) -> Column:
    """The text at a place in a JSON object; NULL where there is none or it is no text."""
    if dialect == SQLITE:
        kind = func.json_type(document, _path(*names))
        return case((kind == "text", func.json_extract(document, _path(*names), type_=Text())), else_=null())
    kind = func.jsonb_typeof(func.jsonb_extract_path(document, *names))
    return case(
        (kind == "string", func.jsonb_extract_path_text(document, *names, type_=Text())), else_=null()
    )


def json_number(document: Column, name: str, dialect: str) -> Column:
    """The number in a JSON object; NULL where there is none or it is no number."""
    if dialect == SQLITE:
        kind = func.json_type(document, _path(name))
        return case(
            (kind.in_(["integer", "real"]), func.json_extract(document, _path(name), type_=Float())),
            else_=null(),
        )
    kind = func.jsonb_typeof(func.jsonb_extract_path(document, name))
    text = func.jsonb_extract_path_text(document, name, type_=Text())
    return case((kind == "number", cast(text, Numeric)), else_=null())


def json_flag(document: Column, name: str, dialect: str) -> Column:
    """`true` or `false` as text, from a JSON object; NULL where there is none or it is no flag."""
    if dialect == SQLITE:
        flag = func.json_type(document, _path(name), type_=Text())
        return case((flag.in_(["true", "false"]), flag), else_=null())
    kind = func.jsonb_typeof(func.jsonb_extract_path(document, name))
    return case((kind == "boolean", func.jsonb_extract_path_text(document, name, type_=Text())), else_=null())


def _path(*names: str) -> str:
    return "$" + "".join(f'."{name}"' for name in names)


def detail_test(detail: Detail, data: Column, dialect: str) -> Truth:
    """Whether an event's `data` has the wanted detail."""
    name = detail.name
    wanted: list[tuple[Column, list[Any]]] = [
        (json_text(data, (name,), dialect), list(detail.texts)),
        (json_number(data, name, dialect), [as_number(number, dialect) for number in detail.numbers]),
        (json_flag(data, name, dialect), ["true" if flag else "false" for flag in detail.flags]),
    ]
    return or_(false(), *(and_(value.is_not(None), value.in_(some)) for value, some in wanted if some))
