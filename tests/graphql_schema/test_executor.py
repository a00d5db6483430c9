"""The executor for plain fields and the library's own give the same answers, to the letter."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson
import pytest
import strawberry
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
)
from graphql.execution import experimental_execute_incrementally
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.context import Context
from graphql_schema.context import GraphqlContext
from graphql_schema.executor import PlainFieldsExecutor
from graphql_schema.limits.known import Document
from graphql_schema.schema import LetterboxSchema, schema
from tests.graphql_schema.conftest import Graph

GRAPHQL = schema._schema  # noqa: SLF001 - nothing else has it
DEPTH = 5
FIELDS = 6
QUERIES = 80
PART = "nodes { %s } pageInfo { hasNextPage hasPreviousPage endCursor }"
RECORDS = [
    ("Communication", '{ communication(id: "SENT") { %s } }'),
    ("Communication", "{ communications { edges { cursor node { %s } } totalCount } }"),
    ("Communication", '{ communications(last: 2, filter: {subject: {contains: "o"}}) { PART } }'),
    ("InboundMessage", "{ inboundMessages { __typename nodes { %s } } }"),
    ("Template", "{ templates(first: 1) { a: nodes { %s } nodes { id } } }"),
]
# Where records of a kind are shown.
ALONE = {
    "Communication": "{ communications { nodes { id %s } } }",
    "InboundMessage": "{ inboundMessages { nodes { id %s } } }",
    "Delivery": "{ communications { nodes { deliveries { nodes { id %s } } } } }",
}


async def answers(
    document: str, context: Any, *, of: LetterboxSchema = schema, straight: bool | None = True
) -> list[Any]:
    """Give what each way to run a query answers, the library's first.

    `straight` tells whether the last is one that needs no executor; None: whichever it is.
    """
    asking = GraphqlContext.of(context) if context is not None else None
    given = []
    for executor in (StrawberryGraphQLCoreExecutionContext, PlainFieldsExecutor):
        result = experimental_execute_incrementally(
            of._schema,  # noqa: SLF001 - nothing else has it
            parse(document),
            context_value=asking,
            executor_class=executor,
            operation_extensions={},
        )
        if not hasattr(result, "formatted"):
            result = await result  # type: ignore[misc]
        given.append(result.formatted)  # type: ignore[union-attr]
    known = Document(parse(document))
    assert asking is not None
    ran = await of.run(known, variables=None, operation_name=None, context=asking)
    assert straight in {None, known.shapes.get(None) is not None}, document
    errors = {"errors": [error.formatted for error in ran.errors]} if ran.errors else {}
    if known.shapes.get(None) is not None and not ran.errors:
        # Without the library's help.
        run: Any = PlainFieldsExecutor.build(of._schema, known.node, context_value=asking)  # noqa: SLF001
        alone = await known.shapes[None].answer(run, None)
        assert orjson.dumps(alone) == orjson.dumps(ran.data), document
    return [*given, {"data": ran.data, **errors}]


def selected(chance: random.Random, type_: Any, depth: int, *, straight: bool = False) -> str:
    """Write a random selection of fields of a type, of what takes no arguments.

    With `straight`, of nothing that may be of several types.
    """
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        kinds = chance.sample(list(GRAPHQL.get_possible_types(type_)), 2)
        spread = (f"... on {kind.name} {{ {selected(chance, kind, depth)} }}" for kind in kinds)
        return " ".join(["__typename", *spread])
    fields = list(_fields(type_, depth))
    chosen = chance.sample(fields, min(len(fields), chance.randint(1, FIELDS)))
    parts = []
    for number, (name, inner) in enumerate(chosen):
        alias = f"a{number}{name}: {name}" if chance.random() < 0.2 else name
        if straight and isinstance(inner, GraphQLInterfaceType | GraphQLUnionType):
            continue
        fields_of = partial(selected, chance, inner, depth - 1, straight=straight)
        below = "" if is_leaf_type(inner) else f" {{ {fields_of()} }}"
        parts.append(f"{alias}{below}")
    if chance.random() < 0.2:
        parts.append("__typename")
    return " ".join(parts) or "__typename"


def _fields(type_: GraphQLObjectType, depth: int) -> Iterator[tuple[str, Any]]:
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        # What is signed anew each time.
        if name != "url" and (depth > 1 or is_leaf_type(inner)):
            yield name, inner


async def test_whatever_is_asked_the_answer_is_the_librarys(
    context: Context, graph_of_acme: Graph
) -> None:
    chance = random.Random(7)  # noqa: S311 - the same queries each time
    ids = [graph_of_acme.sent, graph_of_acme.answered, graph_of_acme.template]
    for _ in range(QUERIES):
        node = selected(chance, GRAPHQL.get_type("Node"), DEPTH)
        everything = selected(chance, GRAPHQL.query_type, DEPTH)
        query = f'{{ node(id: "{chance.choice(ids)}") {{ {node} }} {everything} }}'
        library, *ours = await answers(query, context, straight=False)
        assert library["data"] is not None
        for one in ours:
            assert orjson.dumps(one) == orjson.dumps(library), query


async def test_whatever_is_asked_of_records_the_straight_answer_is_the_librarys(
    context: Context, graph_of_acme: Graph
) -> None:
    chance = random.Random(11)  # noqa: S311 - the same queries each time
    for number in range(QUERIES):
        kind, asked = RECORDS[number % len(RECORDS)]
        shown = selected(chance, GRAPHQL.get_type(kind), DEPTH, straight=True)
        query = asked.replace("SENT", graph_of_acme.sent).replace("PART", PART) % shown
        library, *ours = await answers(query, context)
        assert library["data"] is not None
        for one in ours:
            assert orjson.dumps(one) == orjson.dumps(library), query


@pytest.mark.parametrize("kind", ALONE)
async def test_a_field_alone_is_what_it_is_beside_all_others(
    context: Context, graph_of_acme: Graph, kind: str
) -> None:
    """Whatever a field needs of a stored record is read for it."""
    assert graph_of_acme.answered
    type_: Any = GRAPHQL.get_type(kind)
    asked = {name: _whole(name, inner) for name, inner in _fields(type_, DEPTH)}
    *_, ours = await answers(ALONE[kind] % " ".join(asked.values()), context)
    together = list(_nodes(ours["data"]))
    assert together
    for name, text in asked.items():
        *_, alone = await answers(ALONE[kind] % text, context)
        wanted = [{"id": one["id"], name: one[name]} for one in together]
        assert list(_nodes(alone["data"])) == wanted


def _nodes(shown: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the nodes of a list, or of the lists that are all that its nodes show."""
    if "id" in shown:
        yield shown
        return
    [inner] = shown.values()
    for one in inner if isinstance(inner, list) else [inner]:
        yield from _nodes(one)


def _whole(name: str, inner: Any) -> str:
    """Ask for a field, and for the leaves of what it shows."""
    if is_leaf_type(inner):
        return name
    return f"{name} {{ __typename {' '.join(leaf for leaf, _ in _fields(inner, 1))} }}"


@strawberry.type
class Odd:
    """A type whose plain fields hold what they must not."""

    name: str
    count: int = 1


@strawberry.type
class OddQuery:
    @strawberry.field
    def odd(self) -> list[Odd]:
        return [Odd(name="a"), Odd(name=None), Odd(name="c", count=2**40)]  # type: ignore[arg-type]

    @strawberry.field
    def perhaps(self) -> list[Odd | None]:
        return [Odd(name="a"), None, Odd(name=5)]  # type: ignore[arg-type]

    @strawberry.field
    def wrong(self) -> list[Odd]:
        return ["no object of that type", ValueError("one that is an error")]  # type: ignore[list-item]

    @strawberry.field
    def names(self) -> list[str]:
        return ["a", 7, True]  # type: ignore[list-item]

    @strawberry.field
    def no_list(self) -> list[str]:
        return 5  # type: ignore[return-value]

    @strawberry.field
    async def later(self) -> list[Odd]:
        return [Odd(name="a"), Odd(name="b", count=None)]  # type: ignore[arg-type]


ODD = LetterboxSchema(query=OddQuery)


@pytest.mark.parametrize(
    "query",
    [
        "{ odd { name count } }",
        "{ odd { count } }",
        "{ perhaps { name } }",
        "{ perhaps { name count __typename } names }",
        "{ wrong { name } }",
        "{ names noList }",
        "{ later { name count } names }",
        "{ later { name } odd { count name } }",
        "{ a: names b: names @skip(if: true) ...F } fragment F on OddQuery { perhaps { name } }",
    ],
)
async def test_what_is_out_of_order_is_told_in_the_librarys_words(
    context: Context, query: str
) -> None:
    library, plain, straight = await answers(query, context, of=ODD, straight=None)
    assert library == plain == straight


async def test_fields_stand_in_the_order_in_which_they_were_asked_for(
    context: Context, graph_of_acme: Graph
) -> None:
    asked = "subject conversation { id } id template { id } status"
    query = f'{{ communication(id: "{graph_of_acme.sent}") {{ {asked} }} }}'
    *_, ours = await answers(query, context)
    assert list(ours["data"]["communication"]) == [
        "subject", "conversation", "id", "template", "status",
    ]  # fmt: skip
