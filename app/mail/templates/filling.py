"""Filling variables into a subject or body that a tenant wrote.

Tenants are not trusted with a programming language: a template may name variables, choose, repeat
and count, and nothing else. Jinja parses it; what it means is worked out here, step by step and
within a measure, so that no template takes long or makes more than was asked for.
"""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from jinja2 import nodes

from app.mail.templates import syntax
from app.mail.templates.expressions import Evaluator, Scope, located
from app.mail.templates.values import (
    Absent,
    Escaped,
    RenderError,
    ValueFault,
    items_of,
    missing_variables,
    text_of,
)
from app.mail.templates.wording import Lines, worded


class Value(str):
    """What a variable brought in, as it stands in the text."""

    __slots__ = ()


def check(template: str) -> None:
    """Raise RenderError, with the line, for a template that could never be filled in."""
    syntax.read(template)


def render_html(template: str, variables: Mapping[str, Any], *, limit: int) -> str:
    """Fill `variables` (JSON values) into an HTML template; what they bring in is escaped.

    Raises RenderError for a construct that is not allowed, for missing variables (all are named),
    for more work than a mail can need and for a result of more than `limit` octets in UTF-8.
    """
    return "".join(html_pieces(template, variables, limit=limit))


def html_pieces(
    template: str, variables: Mapping[str, Any], *, limit: int, lines: Lines = ()
) -> list[str]:
    """Give what `render_html` makes in the pieces it is made of; a Value is what came from outside.

    `lines` is where the author wrote the marks of a compiled template. Raises as `render_html`.
    """
    return _rendered(template, variables, limit, _escaped, lines)


def render_text(template: str, variables: Mapping[str, Any], *, limit: int) -> str:
    """Fill `variables` into a line of text; otherwise as `render_html`."""
    return "".join(_rendered(template, variables, limit, str))


def _escaped(text: str) -> str:
    """Once only, as in Jinja: careful authors write `{{ name|e }}`."""
    return Value(text if isinstance(text, Escaped) else escape(text))


def _rendered(
    text: str,
    variables: Mapping[str, Any],
    limit: int,
    written: Callable[[str], str],
    lines: Lines = (),
) -> list[str]:
    template = syntax.read(text)
    try:
        return _filled(template, variables, limit, written)
    except RenderError as error:
        raise worded(error, template.text, lines) from error
    except RecursionError as error:
        raise RenderError("template error: is nested too deep") from error
    except UnicodeError as error:
        raise RenderError("the filled-in text is not valid Unicode") from error


def _filled(
    template: syntax.Template,
    variables: Mapping[str, Any],
    limit: int,
    written: Callable[[str], str],
) -> list[str]:
    evaluator = Evaluator()
    evaluator.missing |= template.required - variables.keys()
    pieces = _Filling(evaluator, written).pieces(template.body, ChainMap({}, dict(variables)))
    filled = _bounded(pieces, limit)
    if evaluator.missing:
        raise missing_variables(evaluator.missing)
    return filled


def _bounded(pieces: Iterator[str], limit: int) -> list[str]:
    kept: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece.encode())
        if size > limit:
            raise RenderError(f"the filled-in text is larger than {limit} octets")
        kept.append(piece)
    return kept


class _Filling:
    """Writes what a template says; `written` is how a value goes into the text."""

    def __init__(self, evaluator: Evaluator, written: Callable[[str], str]) -> None:
        self._evaluator = evaluator
        self._written = written

    def pieces(self, body: Sequence[nodes.Node], scope: Scope) -> Iterator[str]:
        for node in body:
            self._evaluator.spend(1)
            match node:
                case nodes.Output():
                    for part in node.nodes:
                        yield self._piece(part, scope)
                case nodes.If():
                    yield from self.pieces(self._chosen(node, scope), scope)
                case nodes.For():
                    yield from self._repeated(node, scope)

    def _piece(self, node: nodes.Node, scope: Scope) -> str:
        if isinstance(node, nodes.TemplateData):
            return node.data
        value = self._evaluator.known(node, scope)
        return "" if isinstance(value, Absent) else self._written(located(node, text_of, value))

    def _chosen(self, node: nodes.If, scope: Scope) -> Sequence[nodes.Node]:
        for branch in (node, *node.elif_):
            if self._evaluator.holds(branch.test, scope):
                return branch.body
        return node.else_

    def _repeated(self, node: nodes.For, scope: Scope) -> Iterator[str]:
        inner: dict[str, Any] = {}
        nested = scope.new_child(inner)
        kept: list[dict[str, Any]] = []
        for item in self._items(node, scope):
            self._evaluator.spend(1)
            inner.update(named := located(node, _named, node, item))
            if node.test is None or self._evaluator.holds(node.test, nested):
                kept.append(named)
        if not kept:
            yield from self.pieces(node.else_, scope)
        for index, named in enumerate(kept):
            inner.update(named, loop=_loop(index, len(kept)))
            yield from self.pieces(node.body, nested)

    def _items(self, node: nodes.For, scope: Scope) -> list[Any]:
        value = self._evaluator.known(node.iter, scope)
        if isinstance(value, Absent):
            return []
        self._evaluator.spend_on(value)
        return located(node, items_of, value)


def _named(node: nodes.For, item: object) -> dict[str, Any]:
    names = syntax.target_names(node)
    if isinstance(node.target, nodes.Name):
        return {names[0]: item}
    if not isinstance(item, list) or len(item) != len(names):
        raise ValueFault(f"the loop names {len(names)} variables, for entries that are not so many")
    return dict(zip(names, item, strict=True))


def _loop(index: int, length: int) -> dict[str, Any]:
    """What `loop` gives, as in Jinja."""
    return {
        "index": index + 1,
        "index0": index,
        "revindex": length - index,
        "revindex0": length - index - 1,
        "first": index == 0,
        "last": index == length - 1,
        "length": length,
    }
