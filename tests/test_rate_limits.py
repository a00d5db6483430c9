"""Buckets hold few tokens here and fill slowly, so that no pause of a busy machine fills them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from app.context import Caller, Deps
from app.embedded.ports import free_port
from app.errors import RateLimitedError
from app.rate_limits import RateLimits
from app.services import rates

MINUTE = 60


@pytest.fixture
async def limits(deps: Deps, redis: Redis) -> AsyncIterator[Callable[..., RateLimits]]:
    """Makes limits with these settings, over an empty Redis."""
    await redis.flushdb()
    made: list[RateLimits] = []

    def make(**settings: Any) -> RateLimits:
        made.append(RateLimits(deps.settings.model_copy(update=settings)))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_a_burst_goes_through_and_what_is_more_waits(
    limits: Callable[..., RateLimits],
) -> None:
    both = limits(rate_limit_tenant=1, rate_limit_tenant_burst=3)

    verdicts = [await both.take(tenant="acme", key="a") for _ in range(4)]

    assert [verdict.retry_after is None for verdict in verdicts] == [True, True, True, False]
    assert [verdict.quotas[0].remaining for verdict in verdicts] == [2, 1, 0, 0]
    assert 1 <= (verdicts[3].retry_after or 0) <= MINUTE
    assert verdicts[0].headers == {
        "RateLimit-Policy": '"tenant";q=3;w=180',
        "RateLimit": '"tenant";r=2;t=60',
    }


async def test_a_token_comes_back(limits: Callable[..., RateLimits]) -> None:
    fast = limits(rate_limit_tenant=600, rate_limit_tenant_burst=1)
    await fast.take(tenant="acme", key="a")

    async with asyncio.timeout(20):
        while (await fast.take(tenant="acme", key="a")).retry_after is not None:  # noqa: ASYNC110 - Redis counts the time
            await asyncio.sleep(0.05)


async def test_tenants_and_keys_are_counted_by_themselves_and_across_processes(
    limits: Callable[..., RateLimits],
) -> None:
    settings = {
        "rate_limit_tenant": 1,
        "rate_limit_tenant_burst": 3,
        "rate_limit_key": 1,
        "rate_limit_key_burst": 2,
    }
    one, other = limits(**settings), limits(**settings)

    async def passes(process: RateLimits, tenant: str, key: str) -> bool:
        return (await process.take(tenant=tenant, key=key)).retry_after is None

    assert [await passes(one, "acme", "a"), await passes(other, "acme", "a")] == [True, True]
    # The key is spent; its tenant has one more for another key, and none after that.
    assert not await passes(other, "acme", "a")
    assert await passes(one, "acme", "b")
    assert not await passes(one, "acme", "c")
    assert await passes(one, "globex", "a")
    # No name of a tenant or a key leads to the bucket of another.
    assert await passes(one, "acme}:key:a", "")


async def test_what_is_refused_takes_nothing(limits: Callable[..., RateLimits]) -> None:
    both = limits(rate_limit_tenant=1, rate_limit_tenant_burst=5, rate_limit_key=1,
                  rate_limit_key_burst=1)  # fmt: skip
    await both.take(tenant="acme", key="a")

    refused = [await both.take(tenant="acme", key="a") for _ in range(9)]

    assert {verdict.quotas[0].remaining for verdict in refused} == {4}
    assert (await both.take(tenant="acme", key="b")).retry_after is None


async def test_several_at_once_are_taken_together(limits: Callable[..., RateLimits]) -> None:
    one = limits(rate_limit_tenant=1, rate_limit_tenant_burst=5)

    first = await one.take(tenant="acme", key="a", count=4)
    second = await one.take(tenant="acme", key="a", count=2)
    huge = await one.take(tenant="globex", key="a", count=1000)

    assert first.quotas[0].remaining == 1
    assert second.retry_after is not None
    assert second.quotas[0].remaining == 1
    # More than a bucket holds empty it; waiting for more would be waiting forever.
    assert huge.retry_after is None
    assert huge.quotas[0].remaining == 0


async def test_at_the_same_moment_no_more_get_through(limits: Callable[..., RateLimits]) -> None:
    one = limits(rate_limit_tenant=1, rate_limit_tenant_burst=7)

    verdicts = await asyncio.gather(*(one.take(tenant="acme", key="a") for _ in range(20)))

    assert sum(verdict.retry_after is None for verdict in verdicts) == 7


async def test_buckets_vanish_once_they_are_full(
    limits: Callable[..., RateLimits], redis: Redis
) -> None:
    await limits(rate_limit_tenant=1, rate_limit_tenant_burst=3).take(tenant="acme", key="a")

    [bucket] = await redis.keys("letterbox:rate:*")
    assert bucket == b"letterbox:rate:{acme}:tenant"
    assert 0 < await redis.pttl(bucket) <= MINUTE * 1000


async def test_without_limits_redis_is_not_asked(
    limits: Callable[..., RateLimits], redis: Redis
) -> None:
    verdict = await limits(redis_url=f"redis://127.0.0.1:{free_port()}/0").take(
        tenant="acme", key="a"
    )

    assert verdict.headers == {}
    assert await redis.keys("*") == []


async def test_without_redis_requests_go_on_and_it_is_logged_once(
    limits: Callable[..., RateLimits], capsys: pytest.CaptureFixture[str]
) -> None:
    away = limits(
        redis_url=f"redis://127.0.0.1:{free_port()}/0",
        rate_limit_tenant=1,
        rate_limit_tenant_burst=1,
    )

    verdicts = [await away.take(tenant="acme", key="a") for _ in range(5)]

    assert all(verdict.retry_after is None and not verdict.headers for verdict in verdicts)
    assert capsys.readouterr().out.count("rate_limits.unreachable") == 1


async def test_operations_on_sockets_ask_by_a_function(
    deps: Deps, limits: Callable[..., RateLimits]
) -> None:
    under = replace(deps, rate_limits=limits(rate_limit_key=1, rate_limit_key_burst=1))
    alice = Caller(tenant="acme", user="alice", scopes=frozenset())
    key = Caller(tenant="acme", user="alice", scopes=frozenset(), key_id="alice")

    await rates.admit(under, alice)
    # A key of this name is another one than the user.
    await rates.admit(under, key)
    with pytest.raises(RateLimitedError) as refused:
        await rates.admit(under, alice)

    assert refused.value.detail.startswith(
        "Too many requests: 1 at once and 1 a minute for the key are allowed. Try again in "
    )


LIMITS = {"rate_limit_key": 1, "rate_limit_key_burst": 1, "rate_limit_tenant": 1000}
SEND = "mutation($input: SendCommunicationInput!) { sendCommunication(input: $input) { id } }"


async def test_both_doors_count_together_and_refuse_in_their_own_form(
    client_under: Callable[..., httpx2.AsyncClient],
    mail: dict[str, Any],
    redis: Redis,
    footprint: Any,
) -> None:
    await redis.flushdb()
    client = client_under(**LIMITS)
    first = await client.get("/api/v1/communications/page")
    before = await footprint()
    await redis.set("still", "here")

    rest = await client.post("/api/v1/communications/send", json=mail)
    graphql = await client.post("/graphql", json={"query": SEND, "variables": {"input": mail}})

    assert first.status_code == 200
    assert first.headers["RateLimit-Policy"] == '"tenant";q=1000;w=60, "key";q=1;w=60'
    assert first.headers["RateLimit"] == '"tenant";r=999;t=1, "key";r=0;t=60'
    assert (rest.status_code, rest.json()["title"]) == (429, "Too Many Requests")
    assert rest.json()["detail"].startswith("Too many requests: 1 at once and 1 a minute")
    assert graphql.status_code == 429
    assert graphql.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    for refused in (rest, graphql):
        assert 1 <= int(refused.headers["Retry-After"]) <= MINUTE
        assert refused.headers["RateLimit-Policy"] == first.headers["RateLimit-Policy"]
    assert await footprint() == before


async def test_errors_tell_the_limits_too(
    client_under: Callable[..., httpx2.AsyncClient], redis: Redis
) -> None:
    await redis.flushdb()
    client = client_under(rate_limit_tenant=1000)

    missing = await client.get("/api/v1/communications/find/nothing")
    wrong = await client.post("/graphql", json={"query": "{"})

    assert missing.status_code == 404
    assert missing.headers["RateLimit"] == '"tenant";r=999;t=1'
    assert wrong.headers["RateLimit"] == '"tenant";r=998;t=1'


async def test_what_recipients_and_providers_fetch_is_never_refused(
    client_under: Callable[..., httpx2.AsyncClient], redis: Redis
) -> None:
    await redis.flushdb()
    client = client_under(**LIMITS)
    await client.get("/api/v1/communications/page")
    public = ("/api/v1/communications/track/x", "/api/v1/communications/link/x/0", "/healthz")

    for path in public:
        answer = await client.get(path)
        assert answer.status_code != 429
        assert "RateLimit" not in answer.headers
