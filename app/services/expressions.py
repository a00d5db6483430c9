"""From a typed filter to an expression: what stands side by side in it is AND."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.documents.criteria import AllOf, AnyOf, Condition, Expression, NotOf, Operator, Term
from app.documents.fields import Field
from app.errors import FieldError, InvalidInputError
from app.mail.search_text import folded
from app.services.filters import FILTERS_LIMIT, check_length, read_condition, text

DEPTH_LIMIT = 5
TERMS_LIMIT = 20
TERM_LENGTH = 200


def read_expression(
    fields: Mapping[str, Field], given: Mapping[str, Any], path: str = "filter"
) -> Expression:
    """Read a filter on these fields.

    It has names of fields with what is asked of them by operator, `search` with terms, and `and`,
    `or` and `not` with further filters. Raises InvalidInputError that names every part at fault.
    """
    reader = _Reader(fields)
    read = reader.expression(given, path, DEPTH_LIMIT)
    if len(reader.conditions) > FILTERS_LIMIT:
        reader.faults.append(FieldError(path, f"at most {FILTERS_LIMIT} conditions are allowed"))
    if reader.faults:
        raise InvalidInputError.of(*reader.faults)
    check_length(reader.conditions, path)
    return read


class _Reader:
    """Collects the conditions that stand anywhere in a filter, and what is wrong with it."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = fields
        self.conditions: list[Condition] = []
        self.faults: list[FieldError] = []

    def expression(self, given: Mapping[str, Any], path: str, depth: int) -> Expression:
        if depth == 0:
            self.faults.append(FieldError(path, f"must be nested at most {DEPTH_LIMIT} deep"))
            return AllOf([])
        parts: list[Expression] = []
        for name, value in given.items():
            inner = f"{path}.{name}"
            match name:
                case "and":
                    parts.append(AllOf(self._each(value, inner, depth)))
                case "or":
                    parts.append(AnyOf(self._each(value, inner, depth)))
                case "not":
                    parts.append(NotOf(self.expression(value, inner, depth - 1)))
                case "search":
                    parts += self._terms(value, inner)
                case _:
                    parts += self._asked(self._fields[name], value, inner)
        return AllOf(parts)

    def _each(
        self, filters: Sequence[Mapping[str, Any]], path: str, depth: int
    ) -> list[Expression]:
        if not 1 <= len(filters) <= FILTERS_LIMIT:
            self.faults.append(FieldError(path, f"must have 1 to {FILTERS_LIMIT} entries"))
            return []
        return [
            self.expression(one, f"{path}[{number}]", depth - 1)
            for number, one in enumerate(filters)
        ]

    def _terms(self, terms: Sequence[str], path: str) -> Iterator[Expression]:
        if len(terms) > TERMS_LIMIT:
            self.faults.append(FieldError(path, f"must have at most {TERMS_LIMIT} entries"))
            return
        for number, term in enumerate(terms):
            try:
                if found := folded(text(term, TERM_LENGTH)):
                    yield Term(found)
            except ValueError as error:
                self.faults.append(FieldError(f"{path}[{number}]", str(error)))

    def _asked(self, field: Field, value: Any, path: str) -> Iterator[Expression]:
        """Read the operators of one field; a plain value is one that it equals."""
        operators = value if isinstance(value, Mapping) else {"eq": value}
        for name, operand in operators.items():
            try:
                condition = _condition(field, name, operand)
            except ValueError as error:
                place = f"{path}.{name}" if operators is value else path
                self.faults.append(FieldError(place, str(error)))
                continue
            self.conditions.append(condition)
            yield NotOf(condition) if name == "notIn" else condition


def _condition(field: Field, name: str, operand: Any) -> Condition:
    match name:
        case "eq" | "has":
            return read_condition(field, Operator.ANY_OF, [operand])
        case "notIn" | "hasAny":
            return read_condition(field, Operator.ANY_OF, operand)
        case "isNull":
            missing = Condition(field, Operator.ANY_OF, [None])
            return missing if operand else Condition(field, Operator.NOT, None)
        case _:
            return read_condition(field, name, operand)
