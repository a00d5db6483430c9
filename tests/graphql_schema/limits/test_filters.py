"""Filters that are too large are refused before anything of them is read."""

import time
from typing import Any

import httpx2
import pytest

from graphql_schema.limits.filters import PARTS

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
    assert error["message"] == f"The filter $f has more than the {PARTS} parts that are allowed."
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": {"name": "filter parts", "maximum": PARTS, "requested": None},
    }
    assert time.process_time() - begun < 2


async def test_the_largest_filter_that_is_allowed_is_read(client: httpx2.AsyncClient) -> None:
    given = {"or": [{"subject": {"in": ["a"] * 1000}}, *[{"status": {"eq": "SENT"}}] * 49]}

    response = await client.post(
        "/graphql", json={"query": QUERY % "CommunicationFilter!", "variables": {"f": given}}
    )

    assert response.json()["data"] == {"communications": {"totalCount": 0}}
