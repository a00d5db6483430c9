"""What fields cost, told where they are declared: by directives that stand in the printed schema.

They are those of the IBM cost specification (https://ibm.github.io/graphql-specs/cost-spec.html),
with the arguments that are needed here.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField

# They tell how many objects a field gives, or the lists directly below it.
NUMBERS = ("first", "last", "limit", "size")
LISTS = ("ids", "input", "members")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description=(
        "How many items a list is taken to have when the cost of an operation is reckoned. The "
        "arguments `first`, `last`, `limit` and `size` go before it, and so does the length of "
        "`ids`, `input` and `members`. On a field that gives an object, it is the size of the "
        "lists in that object."
    ),
)
class ListSize:
    assumed_size: int = strawberry.field(
        name="assumedSize", description="Items, without an argument that tells their number."
    )


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="What a field costs each time; without it an object costs 1, a mutation 10 more.",
)
class Cost:
    weight: int = strawberry.field(name="weight", description="The cost.")


Directive = TypeVar("Directive", ListSize, Cost)


def directive_of(field: GraphQLField, kind: type[Directive]) -> Directive | None:
    """Read a directive of a field of the schema."""
    declared: StrawberryField | None = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    directives: Iterable[Any] = () if declared is None else declared.directives
    return next((one for one in directives if isinstance(one, kind)), None)


def is_sliced(field: GraphQLField) -> bool:
    """Tell whether an argument of the field says how many items there are."""
    return any(name in field.args for name in (*NUMBERS, *LISTS))
