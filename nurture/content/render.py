"""A template version and merge values in; subject, HTML and text out; the same bytes every time."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from jinja2 import Template
from jinja2 import TemplateError as JinjaError
from markupsafe import Markup

from nurture.content import allow_list
from nurture.content.addresses import is_safe
from nurture.content.compile import Compiled
from nurture.content.merge_fields import NEEDED
from nurture.content.sandbox import DYNAMIC, LINKS, PIXEL, make_environment
from nurture.content.text_part import tidy
from nurture.content.values import TRACKING
from nurture.domain.definition.front_matter import Kind
from nurture.domain.errors import Problem, TemplateError

MAX_OUTPUT = 2 * 1024 * 1024
MAX_SECONDS = 2.0
_CHUNKS_BETWEEN_LOOKS = 64

_html = make_environment(autoescape=True)
_plain = make_environment(autoescape=False)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PIXEL = Markup(
    '<img src="{}" alt="" width="1" height="1" style="border:0;display:block;height:1px;width:1px;" />'
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's content; `links` are the targets of this message alone, by number, to be kept with it.

    `html_parts` is the HTML of a flat template in pieces: those that are the same in every mail of this
    version are the same objects.
    """

    subject: str
    preheader: str
    html: str
    text: str
    links: tuple[tuple[int, str], ...] = ()
    html_parts: tuple[str, ...] = ()


def render(compiled: Compiled, values: Mapping[str, Any]) -> Rendered:
    """Render one message from plain data, as `merge_values` gives it.

    Equal values, also after a round trip through JSON, give equal bytes.

    Raises:
        TemplateError: this message cannot be rendered; others may.
    """
    programs = _programs(compiled)
    _refuse_anonymous(compiled, values)
    tracking = values.get(TRACKING) or {}
    targets = _Targets(len(compiled.links), str(tracking.get("click", "")))
    context = {
        **values,
        LINKS: [targets.link(number, target) for number, target in enumerate(compiled.links, 1)],
        PIXEL: _pixel(str(tracking.get("open", ""))),
        DYNAMIC: targets.add,
    }
    try:
        parts = _parts(programs.html, context) if compiled.flat else ()
        page = _bounded("".join(parts)) if compiled.flat else _run(programs.html, context, flat=False)
        text = tidy(_run(programs.text, context, compiled.flat))
        subject = _one_line(_run(programs.subject, context, compiled.flat))
        preheader = _one_line(_run(programs.preheader, context, compiled.flat))
    except _TooMuch as error:
        raise _failed(compiled, str(error)) from None
    except (JinjaError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise _failed(compiled, f"it cannot be rendered with these values ({error}).") from error
    _refuse_controls(compiled, subject=subject, text=text)
    return Rendered(subject, preheader, page, text, tuple(targets.dynamic.items()), parts)


# --- programs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Programs:
    subject: Template
    preheader: Template
    html: Template
    text: Template


@lru_cache(maxsize=512)
def _programs(compiled: Compiled) -> _Programs:
    """The version's sources as code; the allow-list is asked again, whatever the database holds."""
    sources = {"subject": compiled.subject, "preheader": compiled.preheader, "text": compiled.text}
    try:
        for source in (*sources.values(), compiled.html):
            allow_list.check(source, internal=True)
    except allow_list.Refused as refused:
        raise _failed(compiled, refused.message) from None
    programs = {name: _plain.from_string(source) for name, source in sources.items()}
    return _Programs(**programs, html=_html.from_string(compiled.html))


class _TooMuch(Exception):
    """The output or the time is more than a mail may take."""


def _parts(program: Template, context: Mapping[str, Any]) -> tuple[str, ...]:
    """The output of a program without loops, as it comes: constants of the program and values in turn."""
    return tuple(program.root_render_func(program.new_context(dict(context))))


def _bounded(output: str) -> str:
    if len(output) > MAX_OUTPUT:
        raise _TooMuch(f"the mail is larger than {MAX_OUTPUT >> 20} MB.")
    return output


def _run(program: Template, context: Mapping[str, Any], flat: bool) -> str:
    """The program's output, bounded in size and time."""
    if flat:
        # Without loops the output is bounded by the template and its values.
        return _bounded(program.render(context))
    parts: list[str] = []
    size, deadline = 0, time.monotonic() + MAX_SECONDS
    for number, part in enumerate(program.generate(context)):
        parts.append(part)
        size += len(part)
        if size > MAX_OUTPUT:
            raise _TooMuch(f"the mail is larger than {MAX_OUTPUT >> 20} MB.")
        if number % _CHUNKS_BETWEEN_LOOKS == 0 and time.monotonic() > deadline:
            raise _TooMuch(f"rendering takes longer than {MAX_SECONDS:g} seconds.")
    return "".join(parts)


# --- links and pixel -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Targets:
    """Numbers the targets that hold this message's values, behind the static ones."""

    static: int
    click: str
    dynamic: dict[int, str] = field(default_factory=dict)

    def link(self, number: int, target: str) -> str:
        """What a reader follows: through us where clicks are counted, else straight there."""
        return f"{self.click}/{number}" if self.click else target

    def add(self, target: str) -> str:
        """The link to a target with values in it; the same target has one number."""
        if not is_safe(target):
            raise ValueError("a link would not lead to a plain web address")
        known = next((number for number, other in self.dynamic.items() if other == target), None)
        number = known or self.static + len(self.dynamic) + 1
        self.dynamic[number] = target
        return self.link(number, target)


def _pixel(address: str) -> Markup:
    return _PIXEL.format(address) if address else Markup()


# --- what comes out ------------------------------------------------------------------------------


def _refuse_anonymous(compiled: Compiled, values: Mapping[str, Any]) -> None:
    """No marketing mail is made without an address by post and a way to unsubscribe."""
    if compiled.kind == Kind.SYSTEM:
        return
    for name in NEEDED:
        section, _, field_name = name.rpartition(".")
        known = values.get(section, {}) if section else values
        if not str(known.get(field_name) or "").strip():
            raise _failed(compiled, f"its {name} is empty. Set it in organisation.yaml or the settings.")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _refuse_controls(compiled: Compiled, **texts: str) -> None:
    for name, text in texts.items():
        if found := _CONTROLS.search(text):
            raise _failed(compiled, f"its {name} would hold the character U+{ord(found[0]):04X}.")


def _failed(compiled: Compiled, why: str) -> TemplateError:
    name = f"{compiled.slug}.{compiled.language}" if compiled.language else compiled.slug
    return TemplateError(Problem(name, None, "", f"The mail was not rendered: {why}"))
