"""What a tenant may write in a template, and which variables one names.

Jinja parses; nothing is ever compiled to Python. What is read here is small and shallow enough
to be walked by `template_expressions` in bounded time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.mail.template_filters import FILTERS, OF_ABSENT, TESTS, accepts
from app.mail.template_values import RenderError, ValueFault, checked_number, template_error

TOKENS_LIMIT = 30_000
DEPTH_LIMIT = 50
# What is parsed takes a hundred times the memory of its text.
REMEMBERED_LENGTH = 16 * 1024
_ENVIRONMENT = ImmutableSandboxedEnvironment(keep_trailing_newline=True)
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For,
    nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.List, nodes.Tuple,
    nodes.Filter, nodes.Test, nodes.Keyword, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.Neg, nodes.Pos,
)  # fmt: skip


@dataclass(frozen=True)
class Template:
    """`required` are the variables it names and neither tests for nor has a default for."""

    body: list[nodes.Node]
    required: frozenset[str]


def read(text: str) -> Template:
    """Parse a template. Raises RenderError with the line of what is wrong or not allowed."""
    return _remembered(text) if len(text) <= REMEMBERED_LENGTH else _parsed(text)


@lru_cache(maxsize=32)
def _remembered(text: str) -> Template:
    # Mail to a list fills in one template again and again, and parsing is most of that work.
    return _parsed(text)


def _parsed(text: str) -> Template:
    try:
        tokens = _ENVIRONMENT.lexer.tokeniter(text, None)
        if next(islice(tokens, TOKENS_LIMIT, None), None) is not None:
            raise RenderError(f"template error: has more than {TOKENS_LIMIT} words and signs")
        tree = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        raise template_error(error.message or "cannot be read", error.lineno) from error
    except RecursionError as error:
        raise RenderError("template error: is nested too deep") from error
    except ValueError as error:
        if isinstance(error, RenderError):
            raise
        raise RenderError("template error: a number has too many digits") from error
    _check(tree)
    optional: set[str] = set()
    named = set(_free_names(tree, frozenset(), optional))
    return Template(tree.body, frozenset(named - optional))


def _check(tree: nodes.Template) -> None:
    # Not by recursion: a chain of ten thousand filters is as deep.
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > DEPTH_LIMIT:
            raise template_error("is nested too deep", node.lineno)
        if (reason := _refusal(node)) is not None:
            raise template_error(reason, node.lineno)
        waiting.extend((child, depth + 1) for child in node.iter_child_nodes())


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
