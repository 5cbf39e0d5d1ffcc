"""The settings as people read them: `docs/settings.md` and `.env.example` are written from the class."""

from functools import cache
from itertools import groupby

from pydantic.fields import FieldInfo

from nurture.config.settings import KEYS, Settings
from nurture.config.values import Doc

PREFIX = "NURTURE_"

INTRODUCTION = """\
# Settings

Read once at start from the environment, then from `.env` in the working directory, then from what
`nurture init` has kept in `instance.env`; the first that is not empty counts. A wrong value stops the start
and is named. Secrets live here alone: pages show whether they are set, and never what they are.

<!-- Written by `python -m nurture.config`; a test compares. -->
"""


@cache
def documentation() -> dict[str, Doc]:
    """What is known of each setting, by field name, in the order of the class."""
    return {
        name: metadata
        for name, field in Settings.model_fields.items()
        for metadata in field.metadata
        if isinstance(metadata, Doc)
    }


def variable_of(field: str) -> str:
    """The environment variable that a field is read from."""
    return PREFIX + {"from_address": "FROM"}.get(field, field.upper())


def settings_table() -> str:
    """`docs/settings.md`."""
    sections = [INTRODUCTION]
    for group, names in groupby(documentation(), key=lambda name: documentation()[name].group):
        rows = "\n".join(_row(name) for name in names)
        sections.append(f"## {group}\n\n| Setting | Default | Meaning |\n| --- | --- | --- |\n{rows}\n")
    return "\n".join(sections)


def settings_example() -> str:
    """`.env.example`: every setting, commented out, with its default or an example."""
    sections = ["# Copy to .env and change what you need; docs/settings.md says more.\n"]
    for group, names in groupby(documentation(), key=lambda name: documentation()[name].group):
        lines = "\n".join(f"#{variable_of(name)}={_sample(name)}" for name in names)
        sections.append(f"# {group}\n{lines}\n")
    return "\n".join(sections)


def _row(name: str) -> str:
    doc = documentation()[name]
    default = doc.default or (f"`{_default(Settings.model_fields[name])}`" if _has_default(name) else "–")
    example = f" Example: `{doc.example}`" if doc.example else ""
    return f"| `{variable_of(name)}` | {default} | {doc.meaning}{example} |"


def _sample(name: str) -> str:
    doc = documentation()[name]
    # An example key, once uncommented, would be a key that everybody knows.
    return "" if doc.group == KEYS else doc.example or _default(Settings.model_fields[name])


def _has_default(name: str) -> bool:
    return _default(Settings.model_fields[name]) != ""


def _default(field: FieldInfo) -> str:
    if field.default is None or field.default == ():
        return ""
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    return str(field.default)
