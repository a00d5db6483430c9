"""How long the lists of introspection are in a schema, so that its cost can be told."""

from collections.abc import Mapping
from functools import lru_cache

from graphql import (
    GraphQLSchema,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
)


@lru_cache
def introspection_sizes(schema: GraphQLSchema) -> Mapping[str, float]:
    """Tell how many items each list of introspection has, on an average type or field.

    `ofType` is left out: nearly all of its many levels are null.
    """
    types = schema.type_map.values()
    with_fields = [one for one in types if is_object_type(one) or is_interface_type(one)]
    fields = [field for one in with_fields for field in one.fields.values()]
    inputs = sum(len(one.fields) for one in types if is_input_object_type(one))
    values = sum(len(one.values) for one in types if is_enum_type(one))
    return {
        "types": len(types),
        "directives": len(schema.directives),
        "fields": len(fields) / len(types),
        "args": sum(len(field.args) for field in fields) / len(fields),
        "inputFields": inputs / len(types),
        "enumValues": values / len(types),
        "interfaces": 0.1,
        "possibleTypes": 0.1,
        "ofType": 0,
    }
