from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app.context import Context
from graphql_schema.execution import Operation, execute, response_body

Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def ask(context: Context) -> Ask:
    """Runs a query under these settings; the response as JSON."""

    async def run(
        query: str, variables: dict[str, Any] | None = None, **settings: Any
    ) -> dict[str, Any]:
        changed = context.deps.settings.model_copy(update=settings)
        under = replace(context, deps=replace(context.deps, settings=changed))
        kinds = {OperationType.QUERY, OperationType.MUTATION}
        result = await execute(Operation(query, variables), under, kinds=kinds)
        assert isinstance(result, ExecutionResult)
        return response_body(result)

    return run
