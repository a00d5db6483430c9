from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    is_specified_directive,
)

import graphql_schema
from graphql_schema.limits.sizes import ListSize, directive_of, is_sliced
from graphql_schema.schema import schema
from tests.doors import RECORD_FIELDS

SDL = Path(graphql_schema.__file__ or "").parent / "schema.graphql"


def test_the_checked_in_sdl_is_current() -> None:
    assert SDL.read_text() == schema.as_str() + "\n", "renew it: letterbox schema > " + SDL.name


def test_the_sdl_is_a_valid_schema() -> None:
    assert build_schema(SDL.read_text()).query_type is not None


@pytest.mark.parametrize(
    "type_",
    [
        type_
        for name, type_ in build_schema(SDL.read_text()).type_map.items()
        if not name.startswith("__")
    ],
    ids=lambda type_: type_.name,
)
def test_everything_is_described(type_: GraphQLNamedType) -> None:
    assert type_.description
    if isinstance(type_, GraphQLObjectType):
        undescribed = [name for name, field in type_.fields.items() if not field.description]
        undescribed += [
            f"{name}({argument})"
            for name, field in type_.fields.items()
            for argument, value in field.args.items()
            if not value.description
        ]
        assert undescribed == []
    if isinstance(type_, GraphQLInputObjectType):
        assert [name for name, field in type_.fields.items() if not field.description] == []
    if isinstance(type_, GraphQLEnumType):
        assert [name for name, value in type_.values.items() if not value.description] == []


def test_the_documented_names_are_the_graphql_names() -> None:
    communication = build_schema(SDL.read_text()).type_map["Communication"]

    assert isinstance(communication, GraphQLObjectType)
    assert {*RECORD_FIELDS, "clickedLinks", "events"} <= communication.fields.keys()


def test_no_directive_beyond_the_specification_is_unexplained() -> None:
    directives = build_schema(SDL.read_text()).directives
    further = [one for one in directives if not is_specified_directive(one)]

    assert sorted(one.name for one in further) == ["cost", "defer", "listSize", "stream"]
    assert all(one.description for one in further)


def test_every_list_of_objects_tells_its_size() -> None:
    """By an argument, by `directives=[ListSize(assumed_size=...)]`, or by what leads to it."""
    types = schema._schema.type_map.values()  # noqa: SLF001 - the SDL keeps no directives
    fields = [
        (f"{type_.name}.{name}", type_, field)
        for type_ in types
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
    ]
    tells = {name for name, _, field in fields if is_sliced(field) or directive_of(field, ListSize)}
    untold = [
        name
        for name, type_, field in fields
        if is_list_type(get_nullable_type(field.type))
        and is_composite_type(get_named_type(field.type))
        and name not in tells
        and not all(leading in tells for leading, _, one in fields if _leads_to(one, type_))
    ]

    assert untold == []


def _leads_to(field: GraphQLField, type_: GraphQLNamedType) -> bool:
    return get_nullable_type(field.type) is type_
