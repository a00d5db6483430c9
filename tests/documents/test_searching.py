"""MongoDB ends searches by itself, whoever has given up on them."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Caller, Deps
from app.documents.searching import SEARCH_TIME, SearchTime
from tests.fakes.mongo_calls import MongoCalls
from tests.graphql_schema.test_every_operation import ROWS
from tests.world import build_world

SEARCHES = {"find", "aggregate"}


def is_endless(command: dict[str, Any]) -> bool:
    """A search without a time; what is looked up by its id, or of which there is one, is none."""
    return (
        next(iter(command)) in SEARCHES
        and not command.get("singleBatch")
        and "_id" not in command.get("filter", {})
        and "maxTimeMS" not in command
    )


async def test_every_search_of_a_query_has_its_time(
    client: httpx2.AsyncClient, deps: Deps, caller: Caller, mongo_calls: MongoCalls
) -> None:
    world = await build_world(deps, caller)
    endless = []

    for row in ROWS:
        if row.kind == "query":
            mongo_calls.clear()
            answer = await client.post("/graphql", json=row.asked(world))
            assert "errors" not in answer.json()
            endless += [(row.field, one) for one in mongo_calls.commands if is_endless(one)]

    assert endless == []


@pytest.mark.parametrize(
    ("limit", "milliseconds"), [(timedelta(seconds=2), 2000), (timedelta(microseconds=1), 1)]
)
def test_the_time_is_told_in_milliseconds(limit: timedelta, milliseconds: int) -> None:
    time = SearchTime(limit)

    assert time.of_find() == {"max_time_ms": milliseconds}
    assert time.of_command() == {"maxTimeMS": milliseconds}


def test_the_time_is_that_of_the_settings(deps: Deps) -> None:
    assert SEARCH_TIME.limit == deps.settings.operation_timeout
