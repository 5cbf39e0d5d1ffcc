"""Settings, to look at: they live in the environment and in files, never in a form."""

from flask import Blueprint, render_template

from nurture.config.reference import documentation, variable_of
from nurture.config.settings import Settings
from nurture.services.house import load_house
from nurture.web.context import the_runtime
from nurture.web.guards import needs

settings = Blueprint("settings", __name__)

SECRET = ("secret", "_key", "_keys", "_url", "key_file")
SHOWN_URLS = ("base_url", "sendgrid_base_url")


@settings.get("/settings")
@needs("settings:view")
def show() -> str:
    """Each setting with its value; of a secret only whether it is set."""
    runtime = the_runtime()
    with runtime.read() as session:
        house = load_house(session)
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for name, doc in documentation().items():
        row = (variable_of(name), _value(runtime.settings, name), doc.meaning)
        groups.setdefault(doc.group, []).append(row)
    return render_template("settings.html", groups=groups, house=house, warnings=runtime.settings.warnings)


def _value(values: Settings, name: str) -> str:
    value = getattr(values, name)
    if value is None or value in ("", ()):
        return "not set"
    if name.endswith(SECRET) and name not in SHOWN_URLS:
        return "set, hidden"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
