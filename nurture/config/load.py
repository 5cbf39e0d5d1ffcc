"""From the environment and its files to checked settings, or to a list of what is wrong with them."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nurture.config.instance import INSTANCE_FILE
from nurture.config.reference import PREFIX, documentation, variable_of
from nurture.config.settings import Settings
from nurture.config.smtp_url import LOOPBACK
from nurture.config.values import MailerKind
from nurture.domain.errors import ConfigurationError

PASSWORD_IN_URL = re.compile(r"(://[^:/@]*):[^@]*@")


def load_settings(environ: Mapping[str, str], dotenv: Path | None = None) -> Settings:
    """The settings, read from `environ`, then from the file `dotenv`, then from what `nurture init` has kept.

    Raises:
        ConfigurationError: it lists every setting that is wrong, with its value and what to do.
    """
    given = {**_read_file(dotenv), **_ours(environ)}
    var = Path(given.get(f"{PREFIX}VAR", "var")).absolute()
    values = {**_read_file(var / INSTANCE_FILE), **given}
    values[f"{PREFIX}VAR"] = str(var)
    values.setdefault(f"{PREFIX}DATABASE_URL", f"sqlite:///{var / 'nurture.db'}")

    fields = {variable_of(name): name for name in documentation()}
    known = {fields[variable]: value for variable, value in values.items() if variable in fields}
    try:
        settings = Settings.model_validate(known)
    except ValidationError as error:
        complaints = [_complaint(details) for details in error.errors()]
        raise ConfigurationError("\n".join(complaints)) from None
    return settings.model_copy(update={"warnings": _warnings(settings, values.keys() - fields.keys())})


def _ours(environ: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(PREFIX) and value}


def _read_file(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    try:
        return _ours(dotenv_values(path, interpolate=False))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}. It must be a text file in UTF-8."
        ) from None


def _complaint(details: ErrorDetails) -> str:
    message = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:
        return message
    field = str(details["loc"][0])
    doc = documentation()[field]
    example = f" For example: {doc.example}" if doc.example else ""
    return f'{variable_of(field)} is "{_masked(field, details["input"])}": {message}. {doc.meaning}{example}'


def _masked(field: str, value: object) -> str:
    if field.endswith(("_key", "_keys")):
        return "(hidden)"
    return PASSWORD_IN_URL.sub(r"\1:(hidden)@", str(value))


def _warnings(settings: Settings, unknown: set[str]) -> tuple[str, ...]:
    found = [f"{name} is not a setting and has no effect. See docs/settings.md." for name in sorted(unknown)]
    if settings.secret_key is not None:
        for name, value in (("LINK_KEYS", settings.link_keys), ("SUPPRESSION_KEY", settings.suppression_key)):
            if value is None:
                found.append(
                    f"{PREFIX}{name} is not set and is derived from {PREFIX}SECRET_KEY, "
                    "which can therefore never be changed without harm. Set it."
                )
    if settings.mail is not MailerKind.OUTBOX and urlsplit(settings.base_url).hostname in LOOPBACK:
        found.append(
            f"{PREFIX}BASE_URL is {settings.base_url}: nobody else can follow links to it. "
            "Set it to the public address."
        )
    return tuple(found)
