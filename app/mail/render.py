"""Filling variables into a subject or body that a tenant wrote.

Tenants are not trusted with a programming language: a template may name variables, choose and
repeat, and nothing else. What is left is bounded by the size of the template and its variables.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, UndefinedError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

_FILTERS = (
    "abs", "capitalize", "default", "d", "e", "escape", "first", "float", "int", "join", "last",
    "length", "lower", "replace", "round", "title", "trim", "truncate", "upper", "urlencode",
)  # fmt: skip
_TESTS = (
    "boolean", "defined", "divisibleby", "eq", "even", "false", "ge", "gt", "in", "integer",
    "le", "lt", "mapping", "ne", "none", "number", "odd", "sequence", "string", "true",
    "undefined",
)  # fmt: skip
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.Const, nodes.Filter, nodes.Test, nodes.If, nodes.For, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Keyword,
)  # fmt: skip
_NESTED_LOOPS = 2


class RenderError(ValueError):
    """A template that cannot be filled in; the text says why, in the author's terms."""


def _environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(autoescape=autoescape, undefined=StrictUndefined)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


_HTML = _environment(autoescape=True)
_TEXT = _environment(autoescape=False)


def render_html(template: str, variables: Mapping[str, Any], *, limit: int) -> str:
    """Fill `variables` into an HTML template; their values are escaped.

    Raises RenderError for a construct that is not allowed, for missing variables (all are named)
    and for a result of more than `limit` octets in UTF-8.
    """
    return _render(_HTML, template, variables, limit)


def render_text(template: str, variables: Mapping[str, Any], *, limit: int) -> str:
    """Fill `variables` into a line of text; otherwise as `render_html`."""
    return _render(_TEXT, template, variables, limit)


def _render(
    environment: ImmutableSandboxedEnvironment,
    template: str,
    variables: Mapping[str, Any],
    limit: int,
) -> str:
    try:
        tree = environment.parse(template)
        _refuse_programs(tree)
        missing = sorted(meta.find_undeclared_variables(tree) - variables.keys())
        if missing:
            raise RenderError(f"missing variables: {', '.join(missing)}")
        return _bounded(environment.from_string(tree).generate(variables), limit)
    except UndefinedError as error:
        raise RenderError(f"missing variable: {error.message}") from error
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        place = f" (line {line})" if line is not None else ""
        raise RenderError(f"template error: {error.message}{place}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        if isinstance(error, RenderError):
            raise
        raise RenderError(f"template error: {error}") from error


def _refuse_programs(tree: nodes.Template) -> None:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            name = type(node).__name__.lower()
            raise RenderError(f"template error: {name} is not allowed here (line {node.lineno})")
    if _loop_depth(tree) > _NESTED_LOOPS:
        raise RenderError(f"template error: loops may be nested {_NESTED_LOOPS} deep")


def _loop_depth(node: nodes.Node) -> int:
    inner = max((_loop_depth(child) for child in node.iter_child_nodes()), default=0)
    return inner + isinstance(node, nodes.For)


def _bounded(pieces: Iterator[str], limit: int) -> str:
    kept: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece.encode())
        if size > limit:
            raise RenderError(f"the filled-in text is larger than {limit} octets")
        kept.append(piece)
    return "".join(kept)
