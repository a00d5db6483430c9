from typing import Any

import httpx2
import pytest
from graphql import OperationDefinitionNode, build_schema, get_introspection_query, parse

from graphql_schema.limits import adding_up
from graphql_schema.limits.checking import ANONYMOUS_COST
from graphql_schema.limits.cost import ENDLESS, MUTATION, UNTOLD, cost_of, with_defaults
from tests.graphql_schema.limits.conftest import Ask

# What the schema itself has not: connections, interfaces, lists nobody has told the length of.
ANY = build_schema("""
    type Query {
      things(first: Int, last: Int): Things!
      node(id: ID!): Node
      nodes(ids: [ID!]!): [Node]!
      self: Query!
      other: Query!
    }
    type Things { edges: [Edge!]! nodes: [Thing!]! pageInfo: PageInfo! }
    type PageInfo { hasNextPage: Boolean! }
    type Edge { node: Thing! }
    interface Node { id: ID! }
    type Thing implements Node { id: ID! parts: [Part!]! }
    type Part implements Node { id: ID! }
""")


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ __typename }", {}, 0),
        ('{ communication(id: "1") { id subject recipients } }', {}, 1),
        # A page is an object and its records; 20 of them unless told otherwise.
        ("{ communicationsPage { totalElements } }", {}, 1),
        ("{ communicationsPage { content { id } } }", {}, 21),
        ("{ communicationsPage(size: 7) { content { id } } }", {}, 8),
        ("query($n: Int) { communicationsPage(size: $n) { content { id } } }", {"n": 7}, 8),
        ("query($n: Int) { communicationsPage(size: $n) { content { id } } }", {"n": 7.0}, 8),
        ("query($n: Int = 7) { communicationsPage(size: $n) { content { id } } }", {}, 8),
        ("query($n: Int = 7) { communicationsPage(size: $n) { content { id } } }", {"n": 3}, 4),
        ("query($n: Int) { communicationsPage(size: $n) { content { id } } }", {"n": None}, 21),
        ("query($n: Int) { communicationsPage(size: $n) { content { id } } }", {}, 21),
        # Lists in lists: three events in each of seven records.
        ("{ communicationsPage(size: 7) { content { id events { id } } } }", {}, 1 + 7 * 4),
        # The default of an argument, and a list of ids.
        ("{ inboundMessages { nodes { id } } }", {}, 51),
        ("{ inboundMessages(first: 3) { nodes { id } } }", {}, 4),
        ("{ inboundMessages(last: 3) { edges { node { id } } pageInfo { endCursor } } }", {}, 8),
        ('{ communicationsByIds(ids: ["a", "b"]) { id } }', {}, 2),
        ("query($i: [ID!]!) { communicationsByIds(ids: $i) { id } }", {"i": ["a"] * 5}, 5),
        ("{ allCommunications { id } }", {}, 10_000),
        ("{ communicationsCsv(size: 3) }", {}, 3),
        ("{ analytics { totalSent byType { type } } }", {}, 108),
        # What GraphQL merges is given once.
        (("{ inboundMessages { totalCount } ...F } "
         "fragment F on Query { inboundMessages { nodes { id } } }"), {}, 51),
        ("{ a: inboundMessages { nodes { id } } b: inboundMessages { nodes { id } } }", {}, 102),
        ("{ ... on Query { ...F ...F } } fragment F on Query { inboundMessages { nodes { id } } }",
         {}, 51),
        ('mutation { deleteCommunication(id: "1") }', {}, MUTATION),
        (('mutation { a: cancelCommunication(id: "1") { id events { id } } '
         'b: deleteCommunication(id: "1") }'), {}, MUTATION + 4 + MUTATION),
    ],
)  # fmt: skip
async def test_the_cost_of_an_operation_is_told(
    ask: Ask, query: str, variables: dict[str, Any], cost: int
) -> None:
    answer = await ask(query, variables)

    assert answer["extensions"]["cost"] == {"requested": cost, "maximum": 100_000}


async def test_what_depends_on_variables_is_reckoned_each_time(ask: Ask) -> None:
    query = "query($n: Int) { communicationsPage(size: $n) { content { id subject } } }"
    answers = [await ask(query, variables) for variables in ({}, {"n": 3}, {"n": 4}, {})]

    assert [one["extensions"]["cost"]["requested"] for one in answers] == [21, 4, 5, 21]


async def test_what_costs_too_much_is_refused(ask: Ask) -> None:
    query = "query($n: Int) { communicationsPage(size: $n) { content { id } } }"

    fits = await ask(query, {"n": 9}, graphql_cost=10)
    beyond = await ask(query, {"n": 10}, graphql_cost=10)

    assert "errors" not in fits
    assert beyond["errors"][0]["message"] == (
        "The operation costs 11; at most 10 is allowed. Ask for smaller pages or fewer fields of "
        "lists."
    )
    assert beyond["errors"][0]["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": {"name": "cost", "maximum": 10, "requested": 11},
    }
    assert beyond["extensions"] == {"cost": {"requested": 11, "maximum": 10}}
    assert "data" not in beyond


async def test_a_refused_mutation_changes_nothing(ask: Ask, footprint: Any) -> None:
    before = await footprint()
    mail = 'input: {subject: "a", body: "b", recipients: ["a@b.test"]}'

    answer = await ask(f"mutation {{ sendCommunication({mail}) {{ id }} }}", graphql_cost=10)

    assert answer["extensions"]["cost"]["requested"] == MUTATION + 1
    assert answer["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert await footprint() == before


async def test_the_operations_of_a_request_add_up(ask: Ask) -> None:
    query = "{ inboundMessages { nodes { id } } }"

    with adding_up() as spent:
        first = await ask(query, graphql_cost=101)
        second = await ask(query, graphql_cost=101)
    alone = await ask(query, graphql_cost=101)

    assert "errors" not in first
    assert second["errors"][0]["message"].startswith(
        "The operation costs 51, 102 with those before it in the request; at most 101 is allowed."
    )
    assert spent.spent == 102
    assert "errors" not in alone


async def test_what_was_not_reckoned_is_told_as_null(ask: Ask) -> None:
    invalid = await ask("{ nothing }")

    assert invalid["extensions"]["cost"] == {"requested": None, "maximum": 100_000}


def cost(query: str, **variables: Any) -> int:
    document = parse(query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return cost_of(ANY, document, operation, with_defaults(operation, variables))


def test_the_edges_of_a_connection_are_as_many_as_it_is_asked_for() -> None:
    edges = "{ edges { node { id } } pageInfo { hasNextPage } }"

    assert cost(f"{{ things(first: 5) {edges} }}") == 1 + 5 * 2 + 1
    assert cost(f"{{ things(last: 6) {edges} }}") == 1 + 6 * 2 + 1
    assert cost(f"{{ things {edges} }}") == 1 + UNTOLD * 2 + 1
    assert cost("{ things(first: 5) { nodes { parts { id } } } }") == 1 + 5 * (1 + UNTOLD)
    # What is no number of items is refused by its own rules.
    assert cost("{ things(first: -5) { nodes { id } } }") == 1


def test_an_interface_costs_as_much_as_its_dearest_type() -> None:
    thing = "... on Thing { parts { id } }"

    assert cost(f"{{ node(id: 1) {{ id {thing} ... on Part {{ id }} }} }}") == 1 + UNTOLD
    assert cost(f"{{ nodes(ids: [1, 2, 3]) {{ ... on Node {{ {thing} }} }} }}") == 3 * (1 + UNTOLD)


def test_fragments_that_double_cost_what_they_give() -> None:
    doubling = "".join(f" fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))

    assert (
        cost("{ ...F0 }" + doubling + " fragment F40 on Query { self { self { __typename } } }")
        == 2
    )


def test_paths_that_double_are_reckoned_once() -> None:
    levels = "".join(
        f" fragment F{n} on Query {{ self {{ ...F{n + 1} }} other {{ ...F{n + 1} }} }}"
        for n in range(40)
    )

    assert cost("{ ...F0 }" + levels + " fragment F40 on Query { __typename }") == 2**41 - 2


def test_there_is_an_end_to_reckoning() -> None:
    levels = "".join(
        f" fragment F{n} on Query {{ self {{ ...F{n + 1} }} other {{ ...F{n + 1} }} }}"
        for n in range(90)
    )

    assert cost("{ ...F0 }" + levels + " fragment F90 on Query { __typename }") == ENDLESS


async def test_introspection_is_dear_but_free_to_all_once(ask: Ask) -> None:
    answer = await ask(get_introspection_query())

    requested = answer["extensions"]["cost"]["requested"]
    assert ANONYMOUS_COST / 2 < requested < ANONYMOUS_COST


async def test_without_a_token_little_may_be_asked(anonymous: httpx2.AsyncClient) -> None:
    once = get_introspection_query()
    types = "__schema { types { fields { type { fields { args { type { name } } } } } } }"
    query = "{" + " ".join(f"a{n}: {types}" for n in range(20)) + "}"

    fits = (await anonymous.post("/graphql", json={"query": once})).json()
    beyond = (await anonymous.post("/graphql", json={"query": query})).json()

    assert "errors" not in fits
    assert beyond["errors"][0]["extensions"]["limit"]["name"] == "cost"
    assert beyond["extensions"]["cost"]["maximum"] == ANONYMOUS_COST
