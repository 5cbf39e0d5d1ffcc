"""campaigns/: settings files and campaigns, from text to definitions and back to readable YAML."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from nurture.content.complaints import read_as
from nurture.content.library import read_text
from nurture.content.yaml_files import KeyPath, Sheet, read_yaml, value_at
from nurture.domain.definition.campaign import CampaignDefinition
from nurture.domain.definition.ladders import Ladders
from nurture.domain.definition.organisation import Organisation
from nurture.domain.definition.scoring import Scoring
from nurture.domain.definition.segments import Segments
from nurture.domain.definition.streams import Streams
from nurture.domain.errors import FileError, Problem

SETTINGS: dict[str, type[BaseModel]] = {
    "organisation": Organisation,
    "streams": Streams,
    "segments": Segments,
    "scoring": Scoring,
    "lifecycle": Ladders,
}
"""The settings files, by name without `.yaml`."""

FORMS = "forms"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """A campaign as it was written."""

    path: str
    definition: CampaignDefinition
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file as it was written."""

    path: str
    name: str
    settings: BaseModel
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class Design:
    """Everything that can be read below campaigns/."""

    campaigns: tuple[CampaignFile, ...] = ()
    settings: Mapping[str, SettingsFile] = field(default_factory=dict)


def read_design(directory: Path) -> tuple[Design, list[Problem]]:
    """All campaigns and settings below a directory, and what is wrong with the rest. Forms are not read."""
    campaigns: list[CampaignFile] = []
    settings: dict[str, SettingsFile] = {}
    problems: list[Problem] = []
    for path in sorted(directory.rglob("*.yaml")):
        inside = path.relative_to(directory)
        if inside.parts[0] == FORMS:
            continue
        name = f"{directory.name}/{inside.as_posix()}"
        try:
            if len(inside.parts) == 1:
                found = parse_settings(read_text(path, name), name, path.stem)
                settings[found.name] = found
            else:
                campaigns.append(parse_campaign(read_text(path, name), name))
        except FileError as error:
            problems += error.problems
    problems += _misnamed(directory)
    return Design(tuple(campaigns), settings), problems


def _misnamed(directory: Path) -> list[Problem]:
    return [
        Problem(f"{directory.name}/{path.relative_to(directory).as_posix()}", None, "", _RENAME)
        for path in sorted(directory.rglob("*.yml"))
    ]


_RENAME = "Files end in .yaml here, so this one is not read. Rename it."


def parse_settings(source: str, path: str, name: str) -> SettingsFile:
    """A settings file.

    Raises:
        FileError: with every fault.
    """
    model = SETTINGS.get(name)
    if model is None:
        known = ", ".join(f"{known}.yaml" for known in SETTINGS)
        message = f"This is none of the settings files ({known}). Campaigns stand in a folder: move it."
        raise FileError(Problem(path, None, "", message))
    sheet = _sheet(source, path)
    return SettingsFile(path, name, read_as(model, sheet), sheet)


def parse_campaign(source: str, path: str) -> CampaignFile:
    """A campaign.

    Raises:
        FileError: with every fault.
    """
    sheet = _sheet(source, path)
    if repeated := list(_repeated_keys(sheet)):
        raise FileError(*repeated)
    return CampaignFile(path, read_as(CampaignDefinition, sheet), sheet)


def _repeated_keys(sheet: Sheet) -> Iterator[Problem]:
    """Step keys that stand twice, at their second place: the definition knows no lines."""
    seen: dict[str, KeyPath] = {}
    for path in sheet.lines:
        if (
            path[:1] == ("steps",)
            and path[-1] == "key"
            and isinstance(key := value_at(sheet.data, path), str)
        ):
            if key in seen:
                message = (
                    f'The key "{key}" is used twice, first in line {sheet.line(seen[key])}. Choose another.'
                )
                yield sheet.problem(path, message)
            seen.setdefault(key, path)


def _sheet(source: str, path: str) -> Sheet:
    sheet = read_yaml(source, path)
    if isinstance(sheet.data, dict) and "schema" not in sheet.data:
        message = '"schema" is missing. Begin the file with "schema: 1".'
        raise FileError(sheet.problem(("schema",), message))
    return sheet


# --- back to text --------------------------------------------------------------------------------


def body_of(settings: BaseModel) -> dict[str, Any]:
    """The definition as plain data: what is stored, and what reads back to an equal value."""
    body = settings.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"schema": SCHEMA, **body}


def digest_of(settings: BaseModel) -> str:
    """What tells contents apart; the status of a campaign is not part of what it does."""
    body = body_of(settings)
    if isinstance(settings, CampaignDefinition):
        body.pop("status", None)
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def dump(settings: BaseModel) -> str:
    """Readable YAML that reads back to an equal value."""
    return yaml.dump(
        _quoted(body_of(settings)),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=110,
        default_flow_style=False,
    )


class _Dumper(yaml.SafeDumper):
    """Indents lists and never writes aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


class _Flow(dict[str, Any]):
    """A mapping that stands on one line."""


class _FlowList(list[Any]):
    """A list that stands on one line."""


def _represent_flow(dumper: _Dumper, data: _Flow) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)


def _represent_flow_list(dumper: _Dumper, data: _FlowList) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


def _represent_text(dumper: _Dumper, data: str) -> yaml.Node:
    # Times and dates are quoted, since other readers of YAML would take them for numbers.
    style = '"' if _LIKE_A_TIME.fullmatch(data) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(_Flow, _represent_flow)
_Dumper.add_representer(_FlowList, _represent_flow_list)
_Dumper.add_representer(str, _represent_text)

_LIKE_A_TIME = re.compile(r"\d[\d:.-]*[:-][\d:.-]*")
_LINE = 90


def _quoted(value: Any) -> Any:
    """The same data, with what is short marked to stand on one line."""
    if isinstance(value, list):
        inner_list = [_quoted(item) for item in value]
        return _FlowList(inner_list) if _is_short(value) and _are_texts(value) else inner_list
    if not isinstance(value, dict):
        return value
    inner = {str(key): _quoted(item) for key, item in value.items()}
    nested = any(isinstance(item, list) and not _are_texts(item) for item in value.values())
    return inner if nested or not _is_short(value) else _Flow(inner)


def _is_short(value: object) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return len(text) <= _LINE and "\\n" not in text


def _are_texts(items: list[Any]) -> bool:
    return all(isinstance(item, str) for item in items)
