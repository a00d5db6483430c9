"""What only GraphQL has of finding: an answer is held in memory, so it has a limit."""

from typing import Any

import httpx2
import pytest

from app.errors import ErrorCode
from graphql_schema import search
from tests.doors import GraphqlDoor
from tests.world import LATER


@pytest.mark.parametrize("operation", ["all", "csv", "scheduled"])
async def test_more_than_the_limit_is_refused(
    client: httpx2.AsyncClient,
    mail: dict[str, Any],
    operation: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "ANSWER_LIMIT", 2)
    door = GraphqlDoor(client)
    for _ in range(2):
        await door.schedule({**mail, "scheduledAt": LATER})

    fitting = await getattr(door, operation)()
    await door.schedule({**mail, "scheduledAt": LATER})
    refused = await getattr(door, operation)()

    assert fitting.code is None
    assert refused.code is ErrorCode.BAD_USER_INPUT
    assert "page by page" in refused.detail
