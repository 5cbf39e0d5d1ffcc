"""Which Jinja a template may hold: a list of what is allowed, checked on the syntax tree.

Nothing can be called, computed or defined; one loop at a time; keys are constants; everything is bounded
in length. So a template can print what it is given and choose between texts, and nothing else. The check
runs when a template is saved and again before it is rendered.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, nodes
from jinja2.exceptions import TemplateError as JinjaError

from nurture.content import masks
from nurture.content.sandbox import FILTERS, LINKS, PIXEL, TESTS, TRACKED, make_environment

MAX_LENGTH = 512 * 1024
MAX_BLOCKS = 500
MAX_OUTPUTS = 2000
MAX_DEPTH = 40
MAX_NUMBER = 300
MAX_CONSTANT = 200

BLOCK_WORDS = frozenset({"if", "elif", "else", "endif", "for", "endfor"})

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Filter, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or,
    nodes.For, nodes.Test, nodes.Keyword, nodes.List, nodes.Tuple, nodes.Concat,
)  # fmt: skip
_WORDS = {
    nodes.Call: "A call",
    nodes.Mul: "A multiplication",
    nodes.Pow: "A power",
    nodes.Mod: 'A "%"',
    nodes.Add: 'A "+"; write "~" to join texts. A sum',
    nodes.Sub: 'A "-"',
    nodes.Div: "A division",
    nodes.FloorDiv: "A division",
    nodes.Neg: 'A "-"',
    nodes.Pos: 'A "+"',
    nodes.Slice: "A slice",
    nodes.Dict: "A dictionary",
    nodes.FilterBlock: '"{% filter %}"',
}
_JINJAS_OWN = frozenset({"self", "super", "caller", "varargs", "kwargs"})
_INTERNAL_NAMES = frozenset({LINKS, PIXEL})
_BOUNDED = frozenset({"truncate", "round", "join", "date", "int"})

_environment = make_environment(autoescape=True)


class Refused(Exception):
    """A template that is not allowed; `line` counts from 1 in the text that was checked."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Use:
    """One merge field as a template names it (`lead.first_name`); `sure` where no if or loop is around it."""

    name: str
    line: int
    sure: bool


def check(source: str, *, internal: bool = False) -> nodes.Template:
    """The syntax tree of a template that holds only what is allowed.

    `internal` also allows what compiling adds: numbered links, the pixel and the filter that tracks.

    Raises:
        Refused: the first thing that is not allowed, with its line and what to do instead.
    """
    _bound_size(source, internal)
    try:
        tree = _environment.parse(source)
    except TemplateSyntaxError as error:
        raise Refused(error.lineno, f"This is not Jinja: {error.message}") from None
    except (JinjaError, RecursionError, ValueError, OverflowError):
        raise Refused(1, "This template is nested too deeply. Make it flatter.") from None
    _walk(tree, _Place(internal=internal))
    return tree


def _bound_size(source: str, internal: bool) -> None:
    if len(source) > MAX_LENGTH:
        raise Refused(1, f"The template is longer than {MAX_LENGTH // 1024} kB. Shorten it.")
    blocks = outputs = 0
    try:
        # Compiling puts values in links into parentheses and encodes them, so its tags may be longer.
        for tag in masks.tags(source, masks.MAX_TAG_LENGTH + 50 * internal):
            line = source.count("\n", 0, tag.start) + 1
            outputs += tag.is_output
            if not tag.is_output and not tag.is_comment:
                blocks += 1
                _check_word(tag, line, internal)
            if blocks > MAX_BLOCKS or outputs > MAX_OUTPUTS:
                raise Refused(line, f"More than {MAX_BLOCKS} blocks or {MAX_OUTPUTS:,} values. Shorten it.")
    except masks.UnclosedTag as error:
        line, opener = source.count("\n", 0, error.start) + 1, source[error.start : error.start + 2]
        raise Refused(
            line, f'"{opener}" is not closed within {masks.MAX_TAG_LENGTH} characters. Close it.'
        ) from None


def _check_word(tag: masks.Tag, line: int, internal: bool) -> None:
    word = tag.inner.split(None, 1)[0] if tag.inner else ""
    if word not in BLOCK_WORDS and not (internal and word in ("filter", "endfilter")):
        raise Refused(line, f'"{{% {word} %}}" is not allowed. Only if, elif, else and for are.')


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the tree the walk is."""

    internal: bool
    depth: int = 0
    in_loop: bool = False
    conditional: bool = False
    variables: frozenset[str] = frozenset()


def _walk(node: nodes.Node, place: _Place) -> None:
    if place.depth > MAX_DEPTH:
        raise Refused(node.lineno, f"This is nested deeper than {MAX_DEPTH} levels. Make it flatter.")
    _check_node(node, place)
    inside = _inside(node, place)
    for child in node.iter_child_nodes():
        _walk(child, inside)


def _inside(node: nodes.Node, place: _Place) -> _Place:
    variables, in_loop = place.variables, place.in_loop
    conditional = place.conditional or isinstance(node, nodes.If | nodes.For | nodes.CondExpr)
    if isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
        variables, in_loop = variables | {node.target.name, "loop"}, True
    return _Place(place.internal, place.depth + 1, in_loop, conditional, variables)


def _check_node(node: nodes.Node, place: _Place) -> None:
    line = node.lineno
    match node:
        case nodes.FilterBlock() if place.internal:
            pass
        case nodes.Filter(name=str(name)) if name == TRACKED and place.internal:
            pass
        case _ if not isinstance(node, _ALLOWED):
            what = _WORDS.get(type(node), f'"{type(node).__name__}"')
            raise Refused(line, f"{what} is not allowed. A template prints merge fields and uses if and for.")
        case nodes.For():
            _check_loop(node, place)
        case nodes.Name(name=name):
            internal = place.internal and name in _INTERNAL_NAMES
            if (name.startswith("_") or name in _JINJAS_OWN) and not internal:
                raise Refused(line, f'The name "{name}" is not allowed. Print a merge field.')
        case nodes.Getattr(attr=name):
            if name.startswith("_"):
                raise Refused(line, f'The field "{name}" is not allowed. Fields do not begin with "_".')
        case nodes.Getitem(arg=key):
            if not isinstance(key, nodes.Const) or str(key.value).startswith("_"):
                raise Refused(line, 'Only a constant may stand in brackets, for example lead["first_name"].')
        case nodes.Filter():
            _check_filter(node)
        case nodes.Test(name=name):
            if name not in TESTS:
                raise Refused(line, f'The test "{name}" is not known. Use one of {", ".join(sorted(TESTS))}.')
        case nodes.Const(value=value):
            _check_constant(value, line)


def _check_loop(node: nodes.For, place: _Place) -> None:
    line = node.lineno
    if place.in_loop:
        raise Refused(line, "A loop in a loop is not allowed. Use one level.")
    if node.recursive or node.test is not None:
        raise Refused(line, "A loop is written {% for item in list %}, without more.")
    if not isinstance(node.target, nodes.Name):
        raise Refused(line, "A loop has one variable: {% for item in list %}.")
    if not isinstance(node.iter, nodes.Name | nodes.Getattr):
        raise Refused(line, "A loop runs over a merge field, for example {% for reason in alert.reasons %}.")


def _check_filter(node: nodes.Filter) -> None:
    if node.name not in FILTERS:
        raise Refused(
            node.lineno, f'The filter "{node.name}" is not known. Use one of {", ".join(sorted(FILTERS))}.'
        )
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise Refused(node.lineno, f'The filter "{node.name}" takes plain arguments only.')
    arguments = [*node.args, *(keyword.value for keyword in node.kwargs)]
    if node.name in _BOUNDED and not all(_is_small(argument) for argument in arguments):
        raise Refused(node.lineno, f'The filter "{node.name}" takes small constants only: truncate(80).')


def _is_small(argument: nodes.Node) -> bool:
    value = argument.value if isinstance(argument, nodes.Const) else None
    return isinstance(value, str | bool) or (isinstance(value, int) and 0 <= value <= MAX_NUMBER)


def _check_constant(value: object, line: int) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) <= 10**9:
        raise Refused(line, "This number is too large.")
    if isinstance(value, str) and len(value) > MAX_CONSTANT:
        raise Refused(line, f"A text in quotes may have {MAX_CONSTANT} characters at most.")


# --- what a checked template uses ----------------------------------------------------------------


def uses(tree: nodes.Template) -> tuple[Use, ...]:
    """The merge fields that a checked template names, in order; loop variables are not among them."""
    return tuple(_uses(tree, _Place(internal=True)))


def _uses(node: nodes.Node, place: _Place) -> Iterator[Use]:
    dotted = _dotted(node)
    if dotted is not None:
        if dotted.split(".", 1)[0] not in place.variables:
            yield Use(dotted, node.lineno, not place.conditional)
        return
    inside = _inside(node, place)
    for child in node.iter_child_nodes():
        if not (isinstance(child, nodes.Name) and child.ctx == "store"):
            yield from _uses(child, inside)


def _dotted(node: nodes.Node) -> str | None:
    """`lead.first_name` for such an expression (or `lead["first_name"]`), `None` for any other."""
    match node:
        case nodes.Name(ctx="load"):
            return str(node.name)
        case nodes.Getattr() if (before := _dotted(node.node)) is not None:
            return f"{before}.{node.attr}"
        case nodes.Getitem(arg=nodes.Const(value=key)) if (before := _dotted(node.node)) is not None:
            return before if isinstance(key, int) else f"{before}.{key}"
        case _:
            return None


def is_flat(tree: nodes.Template) -> bool:
    """Whether the template only prints: no if, no for, nothing that depends on more than single values.

    A flat template has the same pieces for every lead, with values in the same places.
    """
    kinds = (nodes.If, nodes.For, nodes.CondExpr, nodes.FilterBlock)
    return next(tree.find_all(kinds), None) is None
