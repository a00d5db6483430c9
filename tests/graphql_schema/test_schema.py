from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
    is_specified_directive,
)

import graphql_schema
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


def test_no_directive_of_our_own_is_unexplained() -> None:
    directives = build_schema(SDL.read_text()).directives
    assert [d.name for d in directives if not is_specified_directive(d)] == []
