"""Whether a caller may ask now. Each door, and each operation on a socket, asks here first."""

from app.context import Caller, Deps
from app.errors import RateLimitedError
from app.rate_limits import Verdict


async def count(deps: Deps, caller: Caller, *, requests: int = 1) -> Verdict:
    """Count requests of the caller's tenant and key; the verdict tells whether they may go on."""
    key = caller.user if caller.key_id is None else caller.key_id
    kind = "user" if caller.key_id is None else "key"
    return await deps.rate_limits.take(tenant=caller.tenant, key=f"{kind}:{key}", count=requests)


async def admit(deps: Deps, caller: Caller, *, requests: int = 1) -> None:
    """Count requests of the caller. Raises RateLimitedError when they are too many."""
    refuse(await count(deps, caller, requests=requests))


def refuse(verdict: Verdict) -> None:
    """Raise RateLimitedError, unless the verdict lets the request go on."""
    if verdict.retry_after is None:
        return
    spent = [quota.policy for quota in verdict.quotas if quota.remaining == 0]
    rates = " and ".join(
        f"{policy.burst} at once and {policy.per_minute} a minute for the {policy.name}"
        for policy in spent or [quota.policy for quota in verdict.quotas]
    )
    raise RateLimitedError(
        f"Too many requests: {rates} are allowed. Try again in {verdict.retry_after} seconds.",
        retry_after=verdict.retry_after,
    )
