"""Calls that are gathered, and what becomes of each key."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from app.context import Context, Scope
from app.errors import ForbiddenError
from graphql_schema.context import GraphqlContext

Asked = list[tuple[list[str], str]]


@pytest.fixture
def asked() -> Asked:
    return []


@pytest.fixture
def gathering(context: Context) -> GraphqlContext:
    return GraphqlContext.of(context)


async def test_keys_asked_for_at_once_are_found_in_one_call(
    gathering: GraphqlContext, asked: Asked
) -> None:
    async def find(context: Context, keys: Collection[str], *, tone: str) -> Mapping[str, str]:
        assert context.caller is gathering.caller
        asked.append((list(keys), tone))
        return {key: key.upper() for key in keys if key != "c"}

    load = gathering.loaders.load
    found = await asyncio.gather(
        *(load(find, key, tone="low") for key in "abac"), load(find, "a", tone="high")
    )

    assert found == ["A", "B", "A", None, "A"]
    assert asked == [(["a", "b", "c"], "low"), (["a"], "high")]


async def test_nothing_is_remembered(gathering: GraphqlContext, asked: Asked) -> None:
    async def find(context: Context, keys: Collection[str]) -> Mapping[str, int]:
        asked.append((list(keys), ""))
        return dict.fromkeys(keys, len(asked))

    assert [await gathering.loaders.load(find, "a") for _ in range(2)] == [1, 2]


async def test_an_error_in_place_of_a_record_fails_that_one_alone(
    gathering: GraphqlContext,
) -> None:
    async def find(
        context: Context,
        keys: Collection[str],
    ) -> Mapping[str, str | Exception]:
        return {key: LookupError(key) if key == "b" else key for key in keys}

    load = gathering.loaders.load
    found = await asyncio.gather(*(load(find, key) for key in "abc"), return_exceptions=True)

    assert found[::2] == ["a", "c"]
    assert isinstance(found[1], LookupError)


async def test_what_the_call_raises_each_key_raises(gathering: GraphqlContext) -> None:
    async def find(context: Context, keys: Collection[str]) -> Mapping[str, str]:
        context.require(Scope.ACCOUNTS_READ)
        raise ForbiddenError(f"{len(keys)} keys")

    load = gathering.loaders.load
    found = await asyncio.gather(load(find, "a"), load(find, "b"), return_exceptions=True)

    assert [str(error) for error in found] == ["2 keys", "2 keys"]


async def test_two_requests_share_no_call(context: Context, asked: Asked) -> None:
    async def find(context: Context, keys: Collection[str]) -> Mapping[str, str]:
        asked.append((list(keys), ""))
        return {}

    await asyncio.gather(
        *(GraphqlContext.of(context).loaders.load(find, key) for key in ("a", "b"))
    )

    assert sorted(asked) == [(["a"], ""), (["b"], "")]
