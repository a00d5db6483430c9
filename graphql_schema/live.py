"""What sockets and event streams have in common: how many there may be, and what ends them."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from app.auth import Authenticator
from app.context import Caller
from app.documents.base import StoreUnavailableError
from app.errors import RateLimitedError, UnauthenticatedError, UnavailableError

# Sockets of which nobody has said yet whose they are, and streams of nobody.
NAMELESS_LIMIT = 1000
INIT_TIMEOUT = timedelta(seconds=10)
RECHECK = timedelta(seconds=30)
_RETRY_SECONDS = 30
# Who takes nothing for so long is gone.
SEND_TIMEOUT = timedelta(seconds=60)


class Live:
    """The open sockets and event streams of this process.

    `stopping` is set when the process is about to end. `init_timeout` is how long a socket may be
    nobody's, `recheck` how often a token is looked at again.
    """

    def __init__(self, per_tenant: int) -> None:
        self.stopping = asyncio.Event()
        self.init_timeout = INIT_TIMEOUT
        self.recheck = RECHECK
        self._per_tenant = per_tenant
        self._open: Counter[str | None] = Counter()

    def refuse_if_full(self, tenant: str | None) -> None:
        """Raise RateLimitedError when there are too many of the tenant's; None is nobody's."""
        limit = NAMELESS_LIMIT if tenant is None else self._per_tenant
        if self._open[tenant] >= limit:
            reason = f"There are {limit} live connections already; close one first."
            raise RateLimitedError(reason, retry_after=_RETRY_SECONDS)

    @contextmanager
    def counted(self, tenant: str | None) -> Iterator[None]:
        """Count one more while the block runs. Raises RateLimitedError for too many."""
        self.refuse_if_full(tenant)
        self._open[tenant] += 1
        try:
            yield
        finally:
            self._open[tenant] -= 1
            if not self._open[tenant]:
                del self._open[tenant]


async def until_refused(
    authenticator: Authenticator, authorization: str, caller: Caller, every: timedelta
) -> str:
    """Look again and again whether it is still this caller; return why not, in words."""
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            now = await authenticator.caller(authorization)
        except UnauthenticatedError as error:
            return error.detail
        except (UnavailableError, StoreUnavailableError):
            continue
        if now != caller:
            return "What the token allows has changed."


async def first_of(*endings: Coroutine[Any, Any, Any]) -> None:
    """Run all until one has ended, and end the others. Raises what that one raised."""
    tasks = [asyncio.create_task(ending) for ending in endings]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in done:
            task.result()
