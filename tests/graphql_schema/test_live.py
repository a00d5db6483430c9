"""How many stay open, and for how long they may."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import pytest

from app.auth import Authenticator
from app.context import Caller, Deps
from app.errors import RateLimitedError
from graphql_schema.live import NAMELESS_LIMIT, Live, first_of, until_refused

OFTEN = timedelta(milliseconds=1)


@pytest.fixture
def authenticator(deps: Deps) -> Authenticator:
    return Authenticator(deps.settings, deps.http, deps.now)


def test_each_tenant_has_its_own_share() -> None:
    live = Live(per_tenant=2)

    with live.counted("acme"), live.counted("acme"):
        with live.counted("rival"):
            pass
        with pytest.raises(RateLimitedError, match="There are 2 live connections already"):
            live.refuse_if_full("acme")
    live.refuse_if_full("acme")


def test_those_of_nobody_are_counted_too() -> None:
    live = Live(per_tenant=2)

    with ExitStack() as stack:
        for _ in range(NAMELESS_LIMIT):
            stack.enter_context(live.counted(None))
        with pytest.raises(RateLimitedError):
            stack.enter_context(live.counted(None))


async def test_an_expired_token_is_refused(
    authenticator: Authenticator, caller: Caller, token: Callable[..., str]
) -> None:
    expired = f"Bearer {token(lifetime=timedelta(seconds=-1))}"

    assert await until_refused(authenticator, expired, caller, OFTEN) == "The token has expired."


async def test_a_token_that_allows_less_than_before_is_refused(
    authenticator: Authenticator, caller: Caller, token: Callable[..., str]
) -> None:
    now = f"Bearer {token(scopes=['communications:read'])}"

    reason = await until_refused(authenticator, now, caller, OFTEN)

    assert reason == "What the token allows has changed."


async def test_a_token_that_cannot_be_checked_is_not_refused(
    deps: Deps, caller: Caller, token: Callable[..., str]
) -> None:
    unreachable = {"jwt_secret": None, "jwt_jwks_url": "http://127.0.0.1:1/keys"}
    cut_off = Authenticator(deps.settings.model_copy(update=unreachable), deps.http, deps.now)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await until_refused(cut_off, f"Bearer {token()}", caller, OFTEN)


async def test_a_good_token_stays_good(
    authenticator: Authenticator, caller: Caller, token: Callable[..., str]
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await until_refused(authenticator, f"Bearer {token()}", caller, OFTEN)


async def test_the_first_ending_ends_the_others() -> None:
    ended: list[str] = []

    async def endless(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def fails() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        await first_of(endless("a"), fails(), endless("b"))
    assert ended == ["a", "b"]
