"""Opens and clicks that wait in Redis until a worker counts them: they come in floods.

They are a list, to which every process of the API appends. One worker at a time holds it: it takes
the first ones, has them counted, and only then drops them, so that a worker that dies loses none.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.gathering import Gathering

log = structlog.get_logger()

Otherwise = Callable[[Sequence[bytes]], Awaitable[Sequence[Exception | None]]]

HITS = "letterbox:hits"
HOLDER = f"{HITS}:holder"
# Of some 250 octets each: Redis holds the queue, too.
LIMIT = 1_000_000
# Seconds: longer than Redis takes when it is well, and short for who waits for a picture.
_PATIENCE = 1.0
_PAUSE = 1.0
# Milliseconds after which a worker that is not heard of has lost the list to the next.
_HELD = 10_000
# In memory of one process, while neither Redis nor MongoDB answers.
BACKLOG = 10_000

# KEYS: the list, its holder. ARGV: who asks, for how long it then holds the list, how many hits.
_TAKE = """
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {} end
local hits = redis.call('LRANGE', KEYS[1], 0, ARGV[3] - 1)
if #hits > 0 then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
elseif holder then redis.call('DEL', KEYS[2]) end
return hits
"""
# KEYS: as above. ARGV: who asks, how many hits it has counted. Another holder has begun with the
# same ones, and drops them itself.
_DROP = """
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('LTRIM', KEYS[1], ARGV[2], -1) end
"""
_LEAVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class WaitingHits:
    """The list, as one process sees it."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Redis = Redis.from_url(
            redis_url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE
        )
        # A connection of its own, under one deadline: to take it from a pool, and to guard each
        # write and read of it, takes as long as to append.
        self._appender: Redis = Redis.from_url(redis_url, single_connection_client=True)
        self._take = self._redis.register_script(_TAKE)
        self._drop = self._redis.register_script(_DROP)
        self._leave = self._redis.register_script(_LEAVE)
        self._appending = Gathering[tuple[bytes, Otherwise], None](self._append)
        self._closed_until = float("-inf")

    async def append(self, hit: bytes, otherwise: Otherwise) -> None:
        """Return once Redis has the hit; those that come together are appended together.

        Where Redis does not answer, or has too many already, they are given to `otherwise`, and
        what goes wrong there is raised. Either is done also when the asker is cancelled. Raises
        ConnectionError when too many wait for that already.
        """
        if len(self._appending) >= BACKLOG:
            raise ConnectionError("neither Redis nor MongoDB answers")
        await self._appending.ask((hit, otherwise))

    async def take(self, holder: str, count: int) -> list[bytes]:
        """Give the first hits, which stay; none while another holds them.

        Raises ConnectionError when Redis does not answer, as the others below do.
        """
        try:
            hits: list[bytes] = await self._take(keys=[HITS, HOLDER], args=[holder, _HELD, count])
        except (RedisError, OSError) as error:
            raise ConnectionError("Redis does not answer") from error
        return hits

    async def drop(self, holder: str, count: int) -> None:
        """Drop the first hits, which the holder has taken."""
        try:
            await self._drop(keys=[HITS, HOLDER], args=[holder, count])
        except (RedisError, OSError) as error:
            raise ConnectionError("Redis does not answer") from error

    async def leave(self, holder: str) -> None:
        """Let the next worker begin at once."""
        try:
            await self._leave(keys=[HOLDER], args=[holder])
        except (RedisError, OSError) as error:
            raise ConnectionError("Redis does not answer") from error

    async def close(self) -> None:
        await self._redis.aclose()
        await self._appender.aclose()

    async def _append(self, asked: Sequence[tuple[bytes, Otherwise]]) -> Sequence[Exception | None]:
        hits = [hit for hit, _ in asked]
        if await self._is_appended(hits):
            return [None] * len(hits)
        _, otherwise = asked[0]
        try:
            faults = await otherwise(hits)
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked
            faults = [error] * len(hits)
        # MongoDB may have gone while Redis, which is not asked for a moment, has come back.
        left = [hit for hit, fault in zip(hits, faults, strict=True) if fault is not None]
        return [None] * len(hits) if left and await self._is_back_for(left) else faults

    async def _is_back_for(self, hits: Sequence[bytes]) -> bool:
        try:
            await self._push(hits)
        except (RedisError, OSError):
            return False
        return True

    async def _is_appended(self, hits: Sequence[bytes]) -> bool:
        if time.monotonic() < self._closed_until:
            return False
        try:
            length = await self._push(hits)
        except (RedisError, OSError) as error:
            # Perhaps it has them nevertheless: the same hit counts once.
            log.warning("waiting_hits.unreachable", error=type(error).__name__)
            self._closed_until = time.monotonic() + _PAUSE
            return False
        if length > LIMIT:
            log.warning("waiting_hits.full", waiting=length)
            self._closed_until = time.monotonic() + _PAUSE
        return True

    async def _push(self, hits: Sequence[bytes]) -> int:
        async with asyncio.timeout(_PATIENCE):
            return await cast("Awaitable[int]", self._appender.rpush(HITS, *hits))
