"""Variables that hold too much are refused before anything of them is read."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from graphql_schema.limits.values import FILTER_PARTS, VALUES

QUERY = "query($f: %s) { communications(filter: $f) { totalCount } }"


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"not": value}
    return value


@pytest.mark.parametrize(
    "given",
    [
        {"or": [{}] * 20_000},
        {"or": [{"status": {"eq": "SENT"}}] * 10_000},
        {"and": [{"or": [{"opened": True}] * 50}] * 200},
        nested(400),
    ],
    ids=["empty ones", "conditions", "groups", "depth"],
)
async def test_a_large_filter_is_refused_at_once(
    client: httpx2.AsyncClient, given: dict[str, Any]
) -> None:
    begun = time.process_time()

    response = await client.post(
        "/graphql", json={"query": QUERY % "CommunicationFilter", "variables": {"f": given}}
    )

    [error] = response.json()["errors"]
    assert error["message"] == (
        f"The variable $f is a filter of more than the {FILTER_PARTS} parts that are allowed."
    )
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": {"name": "filter parts", "maximum": FILTER_PARTS, "requested": None},
    }
    assert time.process_time() - begun < 2


async def test_the_largest_filter_that_is_allowed_is_read(client: httpx2.AsyncClient) -> None:
    given = {"or": [{"subject": {"in": ["a"] * 1000}}, *[{"status": {"eq": "SENT"}}] * 49]}

    response = await client.post(
        "/graphql", json={"query": QUERY % "CommunicationFilter!", "variables": {"f": given}}
    )

    assert response.json()["data"] == {"communications": {"totalCount": 0}}


SEND = "mutation($i: SendCommunicationInput!) { sendCommunication(input: $i) { id } }"
BATCH = "mutation($i: [SendCommunicationInput!]!) { sendBatch(input: $i) { error { code } } }"
NODES = "query($i: [ID!]!) { nodes(ids: $i) { id } }"
ROWS = (
    'mutation($i: [ListMemberInput!]!) { addListMembers(listId: "1", members: $i) { duplicate } }'
)


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (NODES, ["a"] * VALUES),
        (NODES, [{}] * VALUES),
        (SEND, {"recipients": ["a"] * VALUES}),
        (BATCH, [{"recipients": ["a"] * 500}] * 50),
        (ROWS, [{"email": "a", "name": "b", "variables": {}}] * (VALUES // 4 + 1)),
    ],
    ids=["strings", "objects for strings", "a list inside", "lists inside", "rows"],
)
async def test_more_values_than_are_ever_read_are_refused(
    client: httpx2.AsyncClient,
    footprint: Callable[[], Awaitable[dict[str, Any]]],
    query: str,
    given: Any,
) -> None:
    before = await footprint()

    response = await client.post("/graphql", json={"query": query, "variables": {"i": given}})

    [error] = response.json()["errors"]
    assert (
        error["message"] == f"The variable $i holds more than the {VALUES} values that are allowed."
    )
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": {"name": "values", "maximum": VALUES, "requested": None},
    }
    assert await footprint() == before


async def test_as_many_values_as_are_allowed_reach_their_field(client: httpx2.AsyncClient) -> None:
    given = ["a"] * (VALUES - 1)

    response = await client.post("/graphql", json={"query": NODES, "variables": {"i": given}})

    [error] = response.json()["errors"]
    assert error["message"] == "ids: must have at most 100 entries"


async def test_variables_of_json_are_one_value(client: httpx2.AsyncClient) -> None:
    variables = {"rows": [1] * (VALUES + 1)}
    given = {"recipients": "a@example.com", "subject": "S", "body": "B", "variables": variables}

    response = await client.post("/graphql", json={"query": SEND, "variables": {"i": given}})

    assert list(response.json()["data"]) == ["sendCommunication"]


async def test_an_object_of_more_fields_than_there_are_is_refused(
    client: httpx2.AsyncClient, footprint: Callable[[], Awaitable[dict[str, Any]]]
) -> None:
    given = {f"f{number}": 1 for number in range(50_000)}
    before = await footprint()

    response = await client.post("/graphql", json={"query": SEND, "variables": {"i": given}})

    [error] = response.json()["errors"]
    most = error["extensions"]["limit"]["maximum"]
    assert error["extensions"]["limit"]["name"] == "input fields"
    assert error["message"] == (
        f"The variable $i holds 50000 fields, of which SendCommunicationInput has {most} and "
        "'f0' is none."
    )
    assert await footprint() == before
