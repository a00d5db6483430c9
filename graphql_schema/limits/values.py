"""How much variables may hold before they are read: reading them costs far more than counting.

The library compares a typed value with its type at about 3 microseconds a value, in one go.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_input_type,
    type_from_ast,
)

from graphql_schema.errors import limit_exceeded

# Fifty conditions, each an object in an object, and the groups around them make half as many; each
# is compiled after it is read.
FILTER_PARTS = 300
# Five thousand rows of addListMembers are 20,000.
VALUES = 25_000
_SHOWN = 100


@dataclass(frozen=True)
class _Excess:
    """What there is too much of, as the error names it, and the sentence about the variable."""

    name: str
    maximum: int
    reason: str


def large_values(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
) -> Iterator[GraphQLError]:
    """Tell of each variable that holds too many values, unknown fields, or too large a filter.

    Scalars that hold JSON count as one value; they have limits of their own. Values that stand in
    the document are few, as it has no more tokens than are allowed.
    """
    given = variables or {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_ = type_from_ast(schema, definition.type)
        if name in given and type_ is not None and is_input_type(type_):
            excess = _Count(str(get_named_type(type_)).endswith("Filter")).excess(
                given[name], type_
            )
            if excess is not None:
                message = f"The variable ${name} {excess.reason}."
                yield limit_exceeded(message, excess.name, excess.maximum, None, definition)


class _Count:
    """Counts the values of one variable, and no further than is needed."""

    def __init__(self, is_filter: bool) -> None:
        self._is_filter = is_filter
        self._values = 0
        self._objects = 0

    def excess(self, value: Any, type_: GraphQLInputType) -> _Excess | None:
        waiting: list[tuple[Any, GraphQLInputType]] = [(value, type_)]
        while waiting:
            found = self._looked_at(*waiting.pop(), waiting) or self._too_many()
            if found is not None:
                return found
        return None

    def _looked_at(
        self, value: Any, type_: GraphQLInputType, waiting: list[tuple[Any, GraphQLInputType]]
    ) -> _Excess | None:
        """Count a value, and leave what is in it waiting."""
        self._values += 1
        inner: Any = get_nullable_type(type_)
        if isinstance(inner, GraphQLList) and isinstance(value, list):
            if isinstance(get_named_type(inner), GraphQLInputObjectType):
                waiting += [(item, inner.of_type) for item in value]
            else:
                self._values += len(value)
        elif isinstance(inner, GraphQLList):
            waiting.append((value, inner.of_type))
        elif isinstance(inner, GraphQLInputObjectType) and isinstance(value, dict):
            self._objects += 1
            if len(value) > len(inner.fields):
                return _unknown_fields(value, inner)
            waiting += [
                (one, inner.fields[name].type)
                for name, one in value.items()
                if name in inner.fields
            ]
        return None

    def _too_many(self) -> _Excess | None:
        if self._is_filter and self._objects > FILTER_PARTS:
            reason = f"is a filter of more than the {FILTER_PARTS} parts that are allowed"
            return _Excess("filter parts", FILTER_PARTS, reason)
        if self._values > VALUES:
            return _Excess(
                "values", VALUES, f"holds more than the {VALUES} values that are allowed"
            )
        return None


def _unknown_fields(value: Mapping[str, Any], type_: GraphQLInputObjectType) -> _Excess:
    most = len(type_.fields)
    unknown = next(name for name in value if name not in type_.fields)[:_SHOWN]
    reason = f"holds {len(value)} fields, of which {type_.name} has {most} and {unknown!r} is none"
    return _Excess("input fields", most, reason)
