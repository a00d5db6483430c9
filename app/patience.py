"""How long one goes on trying what may be endless work, so that nobody else waits for it."""

import time
from collections import deque
from collections.abc import Callable

# How much endless work is tried for somebody, and how soon it is forgotten.
MOST = 6
SECONDS = 30.0


class Patience:
    """Whether more HTML of the same origin is tried, or all that is large is taken for endless.

    `now` gives seconds that never go back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._losses: deque[float] = deque(maxlen=MOST)

    def lose(self) -> None:
        """Note that something was endless work."""
        self._losses.append(self._now())

    @property
    def losses(self) -> int:
        """How often something was, of late, at most MOST."""
        return sum(lost > self._now() - SECONDS for lost in tuple(self._losses))

    @property
    def is_gone(self) -> bool:
        return self.losses == MOST


class Patiences:
    """One for each tenant, so that what one sends costs no other anything; the latest are kept."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._by_tenant: dict[str, Patience] = {}

    def of(self, tenant: str) -> Patience:
        """Give that of a tenant, always the same while it is kept."""
        patience = self._by_tenant.pop(tenant, None) or Patience()
        self._by_tenant[tenant] = patience
        if len(self._by_tenant) > self._most:
            del self._by_tenant[next(iter(self._by_tenant))]
        return patience
