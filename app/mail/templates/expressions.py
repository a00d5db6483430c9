"""What the expressions of a template are worth, worked out within a measure."""

from collections import ChainMap
from collections.abc import Callable, Mapping
from operator import add, ge, gt, le, lt, mul, sub, truediv
from typing import Any, TypeVar

from jinja2 import nodes

from app.mail.templates.filters import FILTERS, OF_ABSENT, TESTS, escaped
from app.mail.templates.localised import BEFORE_LOCALE, LOCALISED, STEPS, known_locale
from app.mail.templates.values import (
    Absent,
    Escaped,
    RenderError,
    ValueFault,
    check_size,
    checked_number,
    in_order,
    is_in,
    member,
    number_of,
    template_error,
)

# About a quarter of a second of work, the hundredfold of what an ordinary mail takes.
WORK_LIMIT = 250_000
# So many characters or entries are worked on as quickly as one step is taken.
_SIZE_OF_A_STEP = 8
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {"gt": gt, "gteq": ge, "lt": lt, "lteq": le}
_SIGNS: Mapping[type, Callable[[Any, Any], Any]] = {
    nodes.Add: add, nodes.Sub: sub, nodes.Mul: mul, nodes.Div: truediv,
}  # fmt: skip

_METHODS: Mapping[type, str] = {
    nodes.Name: "_name", nodes.Const: "_constant", nodes.Getattr: "_member",
    nodes.Getitem: "_member", nodes.List: "_list", nodes.Tuple: "_list",
    nodes.Filter: "_filter", nodes.Test: "_test", nodes.Compare: "_compare",
    nodes.Add: "_calculation", nodes.Sub: "_calculation", nodes.Mul: "_calculation",
    nodes.Div: "_calculation", nodes.Neg: "_signed", nodes.Pos: "_signed", nodes.And: "_and",
    nodes.Or: "_or", nodes.Not: "_not", nodes.CondExpr: "_choice",
}  # fmt: skip
# These walk through all of what they are given.
_COMPARING = {"eq", "ne", "in"}

Scope = ChainMap[str, Any]
Result = TypeVar("Result")


def located(node: nodes.Node, function: Callable[..., Result], *arguments: object) -> Result:
    """Call `function`; its ValueFault becomes a RenderError with the place of `node`."""
    try:
        return function(*arguments)
    except ValueFault as fault:
        raise template_error(str(fault), node.lineno) from fault


class Evaluator:
    """`missing` collects what was asked for and is not there; the rest goes on without it.

    Raises RenderError for values that do not fit, and once the work exceeds WORK_LIMIT.
    """

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self._work = WORK_LIMIT

    def spend(self, steps: int) -> None:
        self._work -= steps
        if self._work < 0:
            raise RenderError("template error: takes too much work to fill in")

    def known(self, node: nodes.Node, scope: Scope) -> object:
        """What an expression is worth; when it is absent, that is noted."""
        value = self._value(node, scope)
        if isinstance(value, Absent) and value.path:
            self.missing.add(value.path)
        return value

    def holds(self, node: nodes.Node, scope: Scope) -> bool:
        value = self.known(node, scope)
        return not isinstance(value, Absent) and bool(value)

    def _value(self, node: nodes.Node, scope: Scope) -> object:
        self.spend(1)
        worth: object = getattr(self, _METHODS[type(node)])(node, scope)
        return worth

    def _name(self, node: nodes.Name, scope: Scope) -> object:
        return scope.get(node.name, Absent(node.name))

    def _constant(self, node: nodes.Const, scope: Scope) -> object:  # noqa: ARG002 - as the others
        return node.value

    def _member(self, node: nodes.Getattr | nodes.Getitem, scope: Scope) -> object:
        found = self._value(node.node, scope)
        key = node.attr if isinstance(node, nodes.Getattr) else self._value(node.arg, scope)
        for part in (found, key):
            if isinstance(part, Absent):
                return part
        value = member(found, key)
        return Absent(_path(node)) if isinstance(value, Absent) else value

    def _list(self, node: nodes.List | nodes.Tuple, scope: Scope) -> object:
        values = [self._value(item, scope) for item in node.items]
        return next((value for value in values if isinstance(value, Absent)), values)

    def _filter(self, node: nodes.Filter, scope: Scope) -> object:
        value = self._value(node.node, scope)  # type: ignore[arg-type]
        again = isinstance(value, Escaped) and node.name not in ("e", "escape")
        if isinstance(value, Escaped) and again:
            # Filters work on what the author sees; it is escaped again afterwards.
            if value.raw is None:
                raise template_error(f"{node.name}: nl2br comes last", node.lineno)
            value = value.raw
        defaults = self._reading(node, scope) if node.name in LOCALISED else {}
        result = self._called(node, FILTERS[node.name], value, scope, defaults)
        if isinstance(result, str):
            located(node, check_size, len(result))
            return escaped(result) if again else result
        return result

    def _reading(self, node: nodes.Filter, scope: Scope) -> dict[str, Any]:
        """Write for the reader that the mail is for, whose language is the variable `locale`."""
        self.spend(STEPS)
        locale = scope.get("locale")
        given = any(pair.key == "locale" for pair in node.kwargs)
        if given or len(node.args) > BEFORE_LOCALE or not isinstance(locale, str):
            return {}
        return {"locale": locale} if known_locale(locale) is not None else {}

    def _test(self, node: nodes.Test, scope: Scope) -> object:
        value = self._value(node.node, scope)
        return self._called(node, TESTS[node.name], value, scope, {})

    def _called(
        self,
        node: nodes.Filter | nodes.Test,
        function: Callable[..., object],
        value: object,
        scope: Scope,
        defaults: Mapping[str, object],
    ) -> object:
        arguments = [self._value(argument, scope) for argument in node.args]
        named = {str(pair.key): self._value(pair.value, scope) for pair in node.kwargs}
        given = (value, *arguments, *named.values())
        if node.name not in OF_ABSENT:
            for one in given:
                if isinstance(one, Absent):
                    return one
        for one in given:
            self.spend_on(one, deep=node.name in _COMPARING)
        try:
            return function(value, *arguments, **defaults, **named)
        except ValueFault as fault:
            raise template_error(f"{node.name}: {fault}", node.lineno) from fault

    def spend_on(self, value: object, *, deep: bool = False) -> None:
        if isinstance(value, str | list | Mapping):
            self.spend(len(value) // _SIZE_OF_A_STEP)
        if deep and isinstance(value, list | Mapping):
            for inner in value.values() if isinstance(value, Mapping) else value:
                self.spend(1)
                self.spend_on(inner, deep=True)

    def _compare(self, node: nodes.Compare, scope: Scope) -> object:
        left = self._value(node.expr, scope)
        for operand in node.ops:
            right = self._value(operand.expr, scope)
            for side in (left, right):
                if isinstance(side, Absent):
                    return side
                self.spend_on(side, deep=True)
            if not located(node, _compared, operand.op, left, right):
                return False
            left = right
        return True

    def _calculation(self, node: nodes.BinExpr, scope: Scope) -> object:
        left, right = self._value(node.left, scope), self._value(node.right, scope)
        for side in (left, right):
            if isinstance(side, Absent):
                return side
        return located(node, _calculated, _SIGNS[type(node)], left, right)

    def _signed(self, node: nodes.Neg | nodes.Pos, scope: Scope) -> object:
        value = self._value(node.node, scope)
        if isinstance(value, Absent):
            return value
        number = located(node, number_of, value)
        return located(node, checked_number, -number if isinstance(node, nodes.Neg) else number)

    def _and(self, node: nodes.And, scope: Scope) -> object:
        left = self.known(node.left, scope)
        return left if isinstance(left, Absent) or not left else self._value(node.right, scope)

    def _or(self, node: nodes.Or, scope: Scope) -> object:
        left = self.known(node.left, scope)
        return left if not isinstance(left, Absent) and left else self._value(node.right, scope)

    def _not(self, node: nodes.Not, scope: Scope) -> object:
        return not self.holds(node.node, scope)

    def _choice(self, node: nodes.CondExpr, scope: Scope) -> object:
        if self.holds(node.test, scope):
            return self._value(node.expr1, scope)
        return None if node.expr2 is None else self._value(node.expr2, scope)


def _compared(sign: str, left: object, right: object) -> bool:
    match sign:
        case "eq":
            return bool(left == right)
        case "ne":
            return bool(left != right)
        case "in":
            return is_in(left, right)
        case "notin":
            return not is_in(left, right)
    return bool(_ORDERS[sign](*in_order(left, right)))


def _calculated(
    sign: Callable[[Any, Any], int | float], left: object, right: object
) -> int | float:
    try:
        return checked_number(sign(number_of(left), number_of(right)))
    except ZeroDivisionError as error:
        raise ValueFault("division by zero") from error
    except OverflowError as error:
        raise ValueFault("the number is too large") from error


def _path(node: nodes.Node) -> str:
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            return f"{_path(node.node)}.{node.attr}"
        case nodes.Getitem(arg=nodes.Const(value=key)):
            return f"{_path(node.node)}[{key}]"
        case nodes.Getitem():
            return f"{_path(node.node)}[...]"
    return "(...)"
