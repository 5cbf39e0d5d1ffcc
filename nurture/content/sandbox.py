"""The Jinja environments that mails are rendered in: nothing to call, nothing to reach, few filters.

Behind the allow-list this is the second fence: a template sees plain dicts and lists only.
"""

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jinja2 import ChainableUndefined, Undefined
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from markupsafe import escape

FILTERS = frozenset(
    {
        "capitalize", "date", "default", "escape", "first", "int", "join", "last", "length", "lower", "round",
        "title", "trim", "truncate", "upper", "urlencode",
    }
)  # fmt: skip
TESTS = frozenset({"defined", "undefined", "none", "string", "number", "odd", "even", "in"})
LOOP_FACTS = frozenset({"index", "index0", "revindex", "first", "last", "length"})

TRACKED = "_tracked"
"""The filter, out of authors' reach, that turns a target with a lead's values in it into a tracked link."""

LINKS = "_links"
PIXEL = "_pixel"
DYNAMIC = "_dynamic"


class MailEnvironment(ImmutableSandboxedEnvironment):
    """Dots and brackets look into plain data and nowhere else."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value under a key; never an attribute of a Python object."""
        if isinstance(obj, Mapping):
            return obj.get(attribute, self.undefined(obj=obj, name=attribute))
        if isinstance(obj, LoopContext) and attribute in LOOP_FACTS:
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The value under a key or at a position."""
        if isinstance(obj, Mapping):
            return obj.get(argument, self.undefined(obj=obj, name=argument))
        if isinstance(obj, list | tuple) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(obj=obj, name=argument)

    def is_safe_callable(self, obj: Any) -> bool:
        """Nothing can be called."""
        return False


def make_environment(*, autoescape: bool) -> MailEnvironment:
    """An environment for HTML (`autoescape`) or for text and subjects."""
    environment = MailEnvironment(autoescape=autoescape, undefined=ChainableUndefined, cache_size=0)
    environment.globals.clear()
    environment.filters["date"] = written_date
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.filters[TRACKED] = tracked
    environment.tests = {name: environment.tests[name] for name in TESTS}
    environment.finalize = _printed
    return environment


def _printed(value: object) -> object:
    # What is not known is printed as nothing, as "None" would be a strange name.
    return "" if value is None else value


def written_date(value: object, pattern: str = "%Y-%m-%d") -> str:
    """An ISO date or instant as numbers: `%d.%m.%Y`, `%m/%d/%Y %H:%M`; anything else as nothing."""
    if isinstance(value, Undefined) or not value:
        return ""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return ""
    numbers = {"%d": f"{moment.day:02}", "%m": f"{moment.month:02}", "%Y": f"{moment.year:04}"}
    numbers |= {"%H": f"{moment.hour:02}", "%M": f"{moment.minute:02}"}
    for directive, number in numbers.items():
        pattern = pattern.replace(directive, number)
    return pattern


@pass_context
def tracked(context: Context, target: object) -> str:
    """The link for a target that holds a lead's values; `context` collects the targets of this message.

    The target comes as it would stand in HTML, whatever is being rendered.
    """
    link: str = context[DYNAMIC](html.unescape(str(target)))
    return escape(link) if context.eval_ctx.autoescape else link
