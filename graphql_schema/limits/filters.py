"""How large a filter may be before it is read: reading one costs far more than counting it."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLError,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    TypeNode,
)

from graphql_schema.errors import limit_exceeded

# Fifty conditions, each an object in an object, and the groups around them make half as many.
PARTS = 300


def large_filters(
    operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
) -> Iterator[GraphQLError]:
    """Tell of each variable that holds a filter of too many objects.

    Those that stand in the document are few, as it has no more tokens than are allowed.
    """
    for definition in operation.variable_definitions or ():
        if _named(definition.type).endswith("Filter"):
            name = definition.variable.name.value
            parts = _parts((variables or {}).get(name))
            if parts > PARTS:
                message = f"The filter ${name} has more than the {PARTS} parts that are allowed."
                yield limit_exceeded(message, "filter parts", PARTS, None, definition)


def _named(type_: TypeNode) -> str:
    while isinstance(type_, ListTypeNode | NonNullTypeNode):
        type_ = type_.type
    return type_.name.value if isinstance(type_, NamedTypeNode) else ""


def _parts(value: Any) -> int:
    """Count the objects in it, and no further than is needed."""
    parts, waiting = 0, [value]
    while waiting and parts <= PARTS:
        one = waiting.pop()
        if isinstance(one, dict):
            parts += 1
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return parts
