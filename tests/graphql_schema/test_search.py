"""What only GraphQL has of finding: an answer is held in memory, so it has a limit."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from app.documents.communications import Communication
from app.errors import ErrorCode
from graphql_schema import search
from tests.doors import GraphqlDoor

Send = Callable[..., Awaitable[Communication]]


@pytest.mark.parametrize("operation", ["all", "csv"])
async def test_more_than_the_limit_is_refused(
    client: httpx2.AsyncClient, send: Send, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ANSWER_LIMIT", 2)
    door = GraphqlDoor(client)
    for _ in range(2):
        await send()

    fitting = await getattr(door, operation)()
    await send()
    refused = await getattr(door, operation)()

    assert fitting.code is None
    assert refused.code is ErrorCode.BAD_USER_INPUT
    assert "page by page" in refused.detail
