"""From pydantic's complaints to sentences with file, line, key and what to do."""

import difflib
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from nurture.content.yaml_files import KeyPath, Sheet
from nurture.domain.errors import FileError, Problem

M = TypeVar("M", bound=BaseModel)
Loc = tuple[str | int, ...]


def read_as(model: type[M], sheet: Sheet) -> M:
    """The value that a file describes.

    Raises:
        FileError: with every fault of the file.
    """
    if not isinstance(sheet.data, dict):
        known = ", ".join(_names(model))
        raise FileError(
            sheet.problem((), f"The file must hold keys with values, one to a line. Known here: {known}.")
        )
    try:
        return model.model_validate(sheet.data)
    except ValidationError as error:
        raise FileError(*_problems(model, sheet, error.errors())) from None


def _problems(model: type[BaseModel], sheet: Sheet, errors: list[ErrorDetails]) -> list[Problem]:
    placed = [(*_follow(model, error["loc"]), error) for error in errors]
    told: dict[KeyPath, tuple[str, ErrorDetails]] = {}
    for path, around, error in placed:
        # Of a value that may be one of several things, only the complaints about the likeliest are told.
        deeper = any(len(other) > len(path) and other[: len(path)] == path for other, _, _ in placed)
        if deeper and error["type"] in _SHALLOW:
            continue
        if path not in told or _weight(error) > _weight(told[path][1]):
            told[path] = (_sentence(error, path, around), error)
    problems = [sheet.problem(path, sentence) for path, (sentence, _) in told.items()]
    return sorted(problems, key=lambda problem: problem.line or 0)


_SHALLOW = {
    "literal_error", "model_type", "string_type", "none_required", "model_attributes_type", "dict_type",
    "too_short",
}  # fmt: skip


def _weight(error: ErrorDetails) -> int:
    order = ("none_required", "model_type", "string_type", "literal_error")
    return order.index(error["type"]) if error["type"] in order else len(order)


# --- sentences -----------------------------------------------------------------------------------


def _sentence(error: ErrorDetails, path: KeyPath, around: type[BaseModel] | None) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if kind == "extra_forbidden":
        return _unknown_key(str(error["loc"][-1]), tuple(_names(around)) if around else ())
    if kind == "missing":
        return f'"{error["loc"][-1]}" is missing. Add it.'
    if kind in ("value_error", "assertion_error"):
        return _capital(str(context.get("error", "this cannot be used")))
    if kind in ("condition", "step"):
        return _capital(error["msg"])
    if kind in _WANTED:
        return f"{_shown(value)} is not {_WANTED[kind]}."
    if kind in _BOUNDS:
        return f"{_shown(value)} is not allowed: it must be {_BOUNDS[kind]} {_number(context)}."
    if kind in ("literal_error", "enum"):
        return f"{_shown(value)} is not allowed here. Use {_options(str(context.get('expected', '')))}."
    if kind == "string_pattern_mismatch":
        return f"{_shown(value)} cannot be used as {key}. {_pattern(str(context.get('pattern', '')))}"
    if kind in ("string_too_short", "too_short"):
        return f"{_shown(value)} is too short: give at least {_number(context)}."
    if kind in ("string_too_long", "too_long"):
        return f"{_shown(value)} is too long: {_number(context)} is the most."
    return f"{_shown(value)} cannot be used as {key or 'this'}."


_WANTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_parsing": 'one of "true" and "false"',
    "bool_type": 'one of "true" and "false"',
    "string_type": "a text",
    "list_type": "a list",
    "tuple_type": "a list; begin every item with a dash, or write [a, b]",
    "dict_type": "a set of keys with values",
    "model_type": "a set of keys with values",
    "model_attributes_type": "a set of keys with values",
    "date_parsing": "a date such as 2027-03-31",
    "date_from_datetime_parsing": "a date such as 2027-03-31",
    "datetime_parsing": "a moment such as 2027-03-31T18:00:00+01:00",
    "datetime_from_date_parsing": "a date such as 2027-03-31",
    "none_required": "nothing; leave it out",
}
_BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}


def _unknown_key(key: str, allowed: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key, allowed, 1)
    hint = f'Did you mean "{near[0]}"? ' if near else ""
    known = f"Known here: {', '.join(allowed)}." if allowed else "Remove it."
    return f'Unknown key "{key}". {hint}{known}'


def _shown(value: object) -> str:
    if value is None:
        return "An empty value"
    if isinstance(value, dict):
        return "A set of keys"
    if isinstance(value, list | tuple):
        return "A list" if value else "An empty list"
    text = str(value)
    return f'"{text if len(text) <= 80 else text[:77] + "…"}"'


def _number(context: Mapping[str, Any]) -> str:
    return str(next((context[key] for key in _LIMITS if key in context), ""))


_LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length")


def _options(expected: str) -> str:
    return expected.replace("'", '"')


def _pattern(pattern: str) -> str:
    if "@" in pattern:
        return "Write an e-mail address, name@example.com."
    if r"\d{4}-" in pattern:
        return "Write a date such as 2027-03-31."
    if ":" in pattern:
        return 'Write a time of day such as "09:30".'
    if r"\S+ " in pattern:
        return 'Write five fields such as "0 9 1 * *": minute, hour, day, month, weekday.'
    return "Use lower-case letters, digits, - and _, and begin with a letter or digit."


def _capital(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


# --- following a complaint's location through the types ------------------------------------------


def _follow(model: type[BaseModel], loc: Loc) -> tuple[KeyPath, type[BaseModel] | None]:
    """The key path of a location, and the model that the last key of it was looked for in.

    A location also names the members of unions that were tried; those are no keys of the file.
    """
    path: list[str | int] = []
    here: Any = model
    around: type[BaseModel] | None = None
    for part in loc:
        members = _members(here)
        if len(members) > 1:
            here = next((member for member in members if _is_named(member, part)), None)
            continue
        here = _plain(members[0]) if members else None
        if here is None:
            break
        path.append(part)
        around = here if _is_model(here) else around
        here = _into(here, part)
    return tuple(path), around


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _into(annotation: Any, part: str | int) -> Any:
    """The type of what stands at `part` in a value of this type; `None` where that is not known."""
    if _is_model(annotation):
        fields = annotation.model_fields.items()
        return next((field.annotation for name, field in fields if part == (field.alias or name)), None)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (tuple, list):
        return arguments[0]
    return arguments[1] if origin is dict else None


def _members(annotation: Any) -> tuple[Any, ...]:
    """What a value may be: several types, each with its tag where it has one, or one."""
    plain = _plain(annotation)
    if get_origin(plain) in (Union, types.UnionType):
        members = tuple(member for member in get_args(plain) if member is not type(None))
        return _members(members[0]) if len(members) == 1 else members
    return () if plain is None else (annotation,)


def _is_named(annotation: Any, part: str | int) -> bool:
    if get_origin(annotation) is Annotated:
        return any(isinstance(item, Tag) and item.tag == part for item in get_args(annotation)[1:])
    return _is_model(annotation) and annotation.__name__ in str(part)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _plain(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation
