"""How often tenants and keys may ask: token buckets in Redis, shared by all processes of the API.

A bucket is full at first, each request takes one token out, and it fills by so many a minute. It
is stored as the one moment at which it will be full again (the generic cell rate algorithm). One
script looks into all buckets of a request and takes from all or none, in one round trip.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.settings import Settings

log = structlog.get_logger()

# KEYS: buckets. ARGV: tokens to take, then of each bucket the microseconds that a token takes to
# come back, and how many it holds. Gives how long to wait (0: they are taken) and, of each bucket,
# after how long it is full, in microseconds. Lua would write a number of 16 digits as 1.7e+15.
_TAKE = """
local time = redis.call('TIME')
local now, tokens, wait = time[1] * 1000000 + time[2], tonumber(ARGV[1]), 0
local full = {}
for i, key in ipairs(KEYS) do
  local interval, size = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  full[i] = math.max(tonumber(redis.call('GET', key) or now), now) - now
  wait = math.max(wait, full[i] + (math.min(tokens, size) - size) * interval)
end
local answer = {math.ceil(wait)}
for i, key in ipairs(KEYS) do
  if wait <= 0 then
    full[i] = full[i] + math.min(tokens, tonumber(ARGV[2 * i + 1])) * tonumber(ARGV[2 * i])
    redis.call('SET', key, string.format('%.0f', now + full[i]), 'PX', math.ceil(full[i] / 1000))
  end
  answer[i + 1] = math.ceil(full[i])
end
return answer
"""
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
# Seconds: longer than Redis takes when it is well, short beside a request.
_PATIENCE = 0.5
_PAUSE = 5.0


@dataclass(frozen=True)
class Policy:
    """`burst` requests at once, and `per_minute` in the long run; `name` is told in headers."""

    name: str
    per_minute: int
    burst: int

    @property
    def interval(self) -> int:
        """Microseconds until a token is back."""
        return _MINUTE // self.per_minute

    @property
    def window(self) -> int:
        """Seconds in which an empty bucket is full again."""
        return math.ceil(self.burst * self.interval / _SECOND)


@dataclass(frozen=True)
class Quota:
    """What is left of a policy: `remaining` requests, and all of them in `reset` seconds."""

    policy: Policy
    remaining: int
    reset: int


@dataclass(frozen=True)
class Verdict:
    """Whether a request may go on; when not, after how many seconds it may come again."""

    quotas: Sequence[Quota] = ()
    retry_after: int | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """The fields of draft-ietf-httpapi-ratelimit-headers-11; none without limits."""
        if not self.quotas:
            return {}
        policies = [
            f'"{quota.policy.name}";q={quota.policy.burst};w={quota.policy.window}'
            for quota in self.quotas
        ]
        left = [
            f'"{quota.policy.name}";r={quota.remaining};t={quota.reset}' for quota in self.quotas
        ]
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}


class RateLimits:
    """The buckets of all callers. When Redis does not answer, requests go on uncounted."""

    def __init__(self, settings: Settings) -> None:
        self._tenant = _policy(
            "tenant", settings.rate_limit_tenant, settings.rate_limit_tenant_burst
        )
        self._key = _policy("key", settings.rate_limit_key, settings.rate_limit_key_burst)
        self._redis: Redis = Redis.from_url(
            settings.redis_url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE
        )
        self._take = self._redis.register_script(_TAKE)
        self._silent_until = float("-inf")
        self._is_silent = False

    async def take(self, *, tenant: str, key: str, count: int = 1) -> Verdict:
        """Count requests of a tenant's key (or user), if they may go on; all of them or none.

        More than a bucket holds count as a full one: they could never go on otherwise.
        """
        if self._tenant is None and self._key is None:
            return Verdict()
        buckets = [
            (policy, f"letterbox:rate:{{{quote(tenant, safe='')}}}:{suffix}")
            for policy, suffix in (
                (self._tenant, "tenant"),
                (self._key, f"key:{quote(key, safe='')}"),
            )
            if policy is not None
        ]
        if time.monotonic() < self._silent_until:
            return Verdict()
        numbers = [number for policy, _ in buckets for number in (policy.interval, policy.burst)]
        try:
            answer = await self._take(keys=[name for _, name in buckets], args=[count, *numbers])
        except (RedisError, OSError) as error:
            self._fall_silent(error)
            return Verdict()
        self._is_silent = False
        wait, *full = answer
        return _verdict([policy for policy, _ in buckets], wait, full)

    async def close(self) -> None:
        await self._redis.aclose()

    def _fall_silent(self, error: Exception) -> None:
        """Leave Redis alone for a while; only the first failure of an outage is logged."""
        if not self._is_silent:
            log.warning("rate_limits.unreachable", error=type(error).__name__)
        self._is_silent = True
        self._silent_until = time.monotonic() + _PAUSE


def _policy(name: str, per_minute: int, burst: int) -> Policy | None:
    return Policy(name, per_minute, burst) if per_minute else None


def _verdict(policies: Sequence[Policy], wait: int, full: Sequence[int]) -> Verdict:
    retry_after = math.ceil(wait / _SECOND) if wait > 0 else None
    quotas = []
    for policy, microseconds in zip(policies, full, strict=True):
        remaining = (policy.burst * policy.interval - microseconds) // policy.interval
        reset = math.ceil(microseconds / _SECOND)
        if retry_after is not None:
            # Retry-After must not come before the end of any window (section 6 of the draft).
            reset = min(reset, retry_after)
        quotas.append(Quota(policy, max(0, remaining), max(1, reset)))
    return Verdict(tuple(quotas), retry_after)
