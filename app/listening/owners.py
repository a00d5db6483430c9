"""Whose mail it is, remembered for a moment: mail servers ask anew for each message."""

import time
from collections.abc import Callable

from app.services.receiving import mail_servers
from app.settings import Settings

# What was taken away is taken for so long still; what was added is known at once.
SECONDS = 1.0
MOST = 10_000


class Owners:
    """What a listener knows of `most` addresses. `now` gives seconds that never go back."""

    def __init__(self, now: Callable[[], float] = time.monotonic, *, most: int = MOST) -> None:
        self._now, self._most = now, most
        self._known: dict[str, tuple[str, float]] = {}

    async def owner_of(self, settings: Settings, address: str) -> str | None:
        """Do what `mail_servers.whose` does, for what it knows at most a second later."""
        known, until = self._known.get(address, (None, 0.0))
        if known is not None and self._now() < until:
            return known
        tenant = await mail_servers.whose(settings, address)
        if tenant is not None:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[address] = (tenant, self._now() + SECONDS)
        return tenant
