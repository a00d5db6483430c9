"""What a tenant may write in a template, and which variables one names.

Jinja parses; nothing is ever compiled to Python. What is read here is small and shallow enough
to be walked by `expressions` in bounded time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from jinja2 import nodes

from app.mail.templates.filters import FILTERS, OF_ABSENT, TESTS, accepts
from app.mail.templates.lexing import normalised, parsed, words_of
from app.mail.templates.remembering import Remembered
from app.mail.templates.values import RenderError, ValueFault, checked_number, template_error
from app.mail.templates.wording import worded

DEPTH_LIMIT = 50
FAULTS_LIMIT = 100
REMEMBERED_OCTETS = 64 * 1024**2
# What is parsed takes so much memory, as key and in the nodes; most of a mail is no word.
OCTETS_OF_A_CHARACTER = 3
OCTETS_OF_A_WORD = 100
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For,
    nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.List, nodes.Tuple,
    nodes.Filter, nodes.Test, nodes.Keyword, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.Neg, nodes.Pos,
)  # fmt: skip


@dataclass(frozen=True)
class Template:
    """`named` are its variables, `required` those it neither tests for nor has a default for.

    The `lineno` of its nodes is an offset into `text`.
    """

    text: str
    body: list[nodes.Node]
    named: frozenset[str]
    required: frozenset[str]


def read(text: str) -> Template:
    """Parse a template. Raises RenderError with the line of what is wrong or not allowed."""
    return _remembered(text)


def _read(text: str) -> tuple[Template, int]:
    clean = normalised(text)
    template, faults = examined(clean)
    if template is None:
        raise worded(faults[0], clean)
    return template, OCTETS_OF_A_CHARACTER * len(text) + OCTETS_OF_A_WORD * words_of(clean)


# Mail to a list fills in one template again and again, and parsing is most of that work.
_remembered = Remembered(_read, room=REMEMBERED_OCTETS)


def examined(text: str, *, includes: bool = False) -> tuple[Template | None, list[RenderError]]:
    """Parse a normalised text; None, and all that is wrong, when it could never be filled in.

    `includes` tells whether `{% include "name" %}` may stand in it, for someone else to resolve.
    """
    try:
        tree = parsed(text)
    except RenderError as error:
        return None, [error]
    if faults := list(islice(_faults(tree, includes=includes), FAULTS_LIMIT)):
        return None, faults
    optional: set[str] = set()
    named = frozenset(_free_names(tree, frozenset(), optional))
    return Template(text, tree.body, named, named - optional), []


def _faults(tree: nodes.Template, *, includes: bool) -> Iterator[RenderError]:
    # Not by recursion: a chain of ten thousand filters is as deep.
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > DEPTH_LIMIT:
            yield template_error("is nested too deep", node.lineno)
        elif includes and isinstance(node, nodes.Include):
            if not _is_plain(node):
                yield template_error('takes the form {% include "name" %}', node.lineno)
        elif (reason := _refusal(node)) is not None:
            yield template_error(reason, node.lineno)
        else:
            waiting.extend((child, depth + 1) for child in node.iter_child_nodes())


def _is_plain(node: nodes.Include) -> bool:
    name = node.template
    named = isinstance(name, nodes.Const) and isinstance(name.value, str)
    return named and node.with_context and not node.ignore_missing


def _refusal(node: nodes.Node) -> str | None:
    if not isinstance(node, _ALLOWED):
        return f"{type(node).__name__.lower()} is not allowed here"
    match node:
        case nodes.Const():
            return _refusal_of_constant(node.value)
        case nodes.For():
            return _refusal_of_loop(node)
        case nodes.Filter():
            return _refusal_of_call(node, "filter", FILTERS.get(node.name))
        case nodes.Test():
            return _refusal_of_call(node, "test", TESTS.get(node.name))
    return None


def _refusal_of_constant(value: object) -> str | None:
    match value:
        case str() if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            return "text must not contain NUL characters or lone surrogates"
        case int() | float():
            try:
                checked_number(value)
            except ValueFault as fault:
                return str(fault)
    return None


def _refusal_of_loop(loop: nodes.For) -> str | None:
    if loop.recursive:
        return "a recursive loop is not allowed here"
    if any(not isinstance(target, nodes.Name) for target in targets(loop)):
        return "a loop names one variable, or several with commas between"
    if "loop" in target_names(loop):
        return "a loop variable must not be called loop"
    return None


def _refusal_of_call(
    node: nodes.Filter | nodes.Test, kind: str, function: object | None
) -> str | None:
    if function is None:
        return f"there is no {kind} {node.name}"
    keywords = [str(pair.key) for pair in node.kwargs]
    if (
        node.dyn_args is not None
        or node.dyn_kwargs is not None
        or len(set(keywords)) < len(keywords)
        or not accepts(function, len(node.args), keywords)
    ):
        return f"the {kind} {node.name} does not take these arguments"
    return None


def targets(loop: nodes.For) -> list[nodes.Expr]:
    """The variables that a loop sets, as they are written."""
    return loop.target.items if isinstance(loop.target, nodes.Tuple) else [loop.target]  # type: ignore[list-item]


def target_names(loop: nodes.For) -> list[str]:
    return [target.name for target in targets(loop) if isinstance(target, nodes.Name)]


def _free_names(node: nodes.Node, bound: frozenset[str], optional: set[str]) -> Iterator[str]:
    match node:
        case nodes.Name():
            if node.name not in bound:
                yield node.name
        case nodes.For():
            inner = bound.union(target_names(node))
            yield from _free_names(node.iter, bound, optional)
            if node.test is not None:
                yield from _free_names(node.test, inner, optional)
            for child in node.body:
                yield from _free_names(child, inner | {"loop"}, optional)
            for child in node.else_:
                yield from _free_names(child, bound, optional)
        case _:
            if isinstance(node, nodes.Filter | nodes.Test) and node.name in OF_ABSENT:
                asked = node.node
                if isinstance(asked, nodes.Name) and asked.name not in bound:
                    optional.add(asked.name)
            for child in node.iter_child_nodes():
                yield from _free_names(child, bound, optional)
