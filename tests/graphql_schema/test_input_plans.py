"""Inputs built by plans are those that the library builds."""

import random
from dataclasses import fields
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)
from strawberry import UNSET
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryObjectDefinition

from graphql_schema.schema import schema

DEFINITIONS = {
    name: one.definition
    for name, one in schema.schema_converter.type_map.items()
    if isinstance(one.definition, StrawberryObjectDefinition) and one.definition.is_input
}
INPUTS = {name: schema.schema_converter.type_map[name].implementation for name in DEFINITIONS}


def made_up(type_: Any, wild: random.Random, depth: int = 0) -> Any:
    """A value as graphql-core gives it to the library."""
    if isinstance(type_, GraphQLNonNull):
        return made_up(type_.of_type, wild, depth)
    if wild.random() < 0.1:
        return None
    if isinstance(type_, GraphQLList):
        items = range(wild.randrange(3))
        return [made_up(type_.of_type, wild, depth + 1) for _ in items]
    if isinstance(type_, GraphQLEnumType):
        return wild.choice(list(type_.values.values())).value
    if isinstance(type_, GraphQLInputObjectType):
        return {
            name: made_up(field.type, wild, depth + 1)
            for name, field in type_.fields.items()
            if is_required_input_field(field) or wild.random() < (0.7 if depth < 3 else 0.1)
        }
    return wild.choice([7, "text", True, {"some": ["json", None]}])


def plain(value: Any) -> Any:
    """The value with its types, so that it can be compared."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if hasattr(type(value), "__strawberry_definition__") and hasattr(value, "__dataclass_fields__"):
        return type(value), {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return value


def converted(name: str, value: Any) -> Any:
    converter = schema.schema_converter
    return convert_argument(
        value, DEFINITIONS[name].origin, converter.scalar_registry, schema.config
    )


def test_there_are_inputs_and_all_have_their_plan() -> None:
    assert len(INPUTS) > 40
    assert all(one.from_input is not None for one in DEFINITIONS.values())


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_is_what_the_library_makes_of_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wild = random.Random(name)  # noqa: S311 - wild input, not a secret
    values = [made_up(GraphQLNonNull(INPUTS[name]), wild) or {} for _ in range(40)]
    by_plan = [plain(converted(name, value)) for value in values]

    for one in DEFINITIONS.values():
        monkeypatch.setattr(one, "from_input", None)

    assert by_plan == [plain(converted(name, value)) for value in values]


def test_what_is_left_out_is_unset_or_null_as_the_type_says() -> None:
    change = converted("UpdateTopicInput", {"name": None})

    assert (change.name, change.description) == (None, UNSET)


def test_a_list_is_not_the_one_that_was_given() -> None:
    given = ["a@acme.test"]

    made = converted("SendCommunicationInput", {"recipients": given})

    assert made.recipients == given
    assert made.recipients is not given
