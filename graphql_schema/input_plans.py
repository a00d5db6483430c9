"""Inputs built by plans: what the library works out about each field anew, worked out once."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from enum import Enum
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.scalars import is_scalar
from strawberry.types.arguments import InputContext
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
)
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition


class _Kind(Enum):
    LEAF = "taken as it is"
    LEAVES = "copied, as graphql-core gives the same default to every request"
    OTHER = "converted by the library"


@dataclass(frozen=True)
class _Field:
    name: str
    python_name: str
    kind: _Kind
    type: Any


def plan_inputs(schema: strawberry.Schema) -> None:
    """Have all inputs of `schema` built by plans; their values are those of the library's."""
    for one in schema.schema_converter.type_map.values():
        definition = one.definition
        if isinstance(definition, StrawberryObjectDefinition) and definition.is_input:
            definition.from_input = _builder(schema, definition)


def _builder(schema: strawberry.Schema, definition: StrawberryObjectDefinition) -> Any:
    plan = [_planned(schema, definition, field) for field in definition.fields]
    absent = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def build(type_: type, value: Mapping[str, Any], context: InputContext) -> Any:
        given: dict[str, Any] = {**absent}
        for field in plan:
            if field.name not in value:
                continue
            one = value[field.name]
            if field.kind is _Kind.OTHER:
                one = context.convert(one, field.type, field.name)
            elif field.kind is _Kind.LEAVES and one is not None and one is not UNSET:
                one = list(one)
            given[field.python_name] = one
        return type_(**given)

    return build


def _planned(
    schema: strawberry.Schema, definition: StrawberryObjectDefinition, field: Any
) -> _Field:
    type_ = field.resolve_type(type_definition=definition)
    name = schema.config.name_converter.from_field(field)
    return _Field(name, field.python_name, _kind(schema, type_), type_)


def _kind(schema: strawberry.Schema, type_: Any) -> _Kind:
    inner = _stripped(type_)
    if _is_leaf(schema, inner):
        return _Kind.LEAF
    if isinstance(inner, StrawberryList) and _is_leaf(schema, _stripped(inner.of_type)):
        return _Kind.LEAVES
    return _Kind.OTHER


def _stripped(type_: Any) -> Any:
    if isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe):
        return type_.of_type
    return type_


def _is_leaf(schema: strawberry.Schema, type_: Any) -> bool:
    is_enum = isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_)
    return is_enum or is_scalar(type_, schema.schema_converter.scalar_registry)
