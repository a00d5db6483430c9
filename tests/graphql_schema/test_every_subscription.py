"""Who may follow what: each subscription, whichever transport it comes by."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app.context import Caller, Context, Deps, Scope
from app.errors import ErrorCode
from graphql_schema.execution import Operation, execute, response_body
from tests.graphql_schema.subscription_table import ROWS, SubscriptionRow, id_of
from tests.world import World, build_world

PATIENCE = 40.0


def name(row: SubscriptionRow) -> str:
    return f"{row.field}{row.arguments[:7]}"


@pytest.fixture
async def world(deps: Deps, caller: Caller) -> AsyncIterator[World]:
    world = await build_world(deps, caller)
    # The feed is open already for whoever subscribes.
    async with deps.feed.follow("nobody", lambda change: False):
        yield world


async def subscribed(
    deps: Deps, caller: Caller | None, row: SubscriptionRow, world: World
) -> AsyncGenerator[ExecutionResult, None]:
    results = await execute(
        Operation(row.query(world)),
        Context(deps=deps, caller=caller),
        kinds={OperationType.SUBSCRIPTION},
    )
    assert isinstance(results, AsyncGenerator)
    return results


async def refusal(deps: Deps, caller: Caller | None, row: SubscriptionRow, world: World) -> str:
    """The code of the only result, an error."""
    async with asyncio.timeout(PATIENCE):
        results = [
            response_body(result) async for result in await subscribed(deps, caller, row, world)
        ]
    [body] = results
    assert "data" not in body
    [error] = body["errors"]
    code: str = error["extensions"]["code"]
    return code


async def told_of(
    deps: Deps, caller: Caller, row: SubscriptionRow, world: World, *, at: list[Caller]
) -> tuple[set[str], list[str]]:
    """Have it happen at each of these tenants in turn, while `caller` follows.

    The records of the events up to the last happening, and those it happened to.
    """
    told: set[str] = set()
    async with (
        asyncio.timeout(PATIENCE),
        aclosing(await subscribed(deps, caller, row, world)) as results,
    ):
        event = asyncio.ensure_future(anext(results))
        while not deps.feed.followers_of(caller.tenant):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        happened = [await row.happens(deps, one, world) for one in at]
        while happened[-1] not in told:
            body = response_body(await event)
            assert "errors" not in body
            told.add(id_of(body["data"]["answer"]))
            if happened[-1] not in told:
                event = asyncio.ensure_future(anext(results))
    return told, happened


@pytest.mark.parametrize("row", ROWS, ids=name)
async def test_the_right_scope_alone_will_do(
    row: SubscriptionRow, deps: Deps, caller: Caller, world: World
) -> None:
    reader = replace(caller, scopes=frozenset({row.scope}))

    told, happened = await told_of(deps, reader, row, world, at=[caller])

    # Of what was before, the feed may tell late.
    assert set(happened) <= told


@pytest.mark.parametrize("row", ROWS, ids=name)
async def test_without_a_token_nothing_is_told(
    row: SubscriptionRow, deps: Deps, world: World
) -> None:
    assert await refusal(deps, None, row, world) == ErrorCode.UNAUTHENTICATED


@pytest.mark.parametrize("row", ROWS, ids=name)
async def test_all_scopes_but_the_right_one_will_not_do(
    row: SubscriptionRow, deps: Deps, caller: Caller, world: World
) -> None:
    other = replace(caller, scopes=frozenset(set(Scope) - {row.scope}))

    assert await refusal(deps, other, row, world) == ErrorCode.FORBIDDEN


@pytest.mark.parametrize("row", [row for row in ROWS if row.theirs], ids=name)
async def test_another_tenants_ids_are_unknown(
    row: SubscriptionRow, deps: Deps, caller: Caller, world: World
) -> None:
    rival = replace(caller, tenant="rival")

    assert await refusal(deps, rival, row, world) == row.theirs


@pytest.mark.parametrize("row", [row for row in ROWS if not row.theirs], ids=name)
async def test_what_happens_at_another_tenant_is_not_told(
    row: SubscriptionRow, deps: Deps, caller: Caller, world: World
) -> None:
    rival = replace(caller, tenant="rival")

    # The feed keeps the order: an event of theirs would come before our own.
    told, [_, ours] = await told_of(deps, rival, row, world, at=[caller, rival])

    assert told == {ours}
