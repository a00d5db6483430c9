"""A thousand mails on their way while something breaks."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.crm import ACCEPTED, Crm
from tests.faults.tally import Tally, named_alike, tally
from tests.processes import Outside

MAILS = int(os.environ.get("FAULT_MAILS", "1000"))
# The fault comes when so many have arrived; half of the mails are handed in after it began.
BEFORE = MAILS // 5
# LETTERBOX_WORKER_JOBS: more than these a worker never has in hand.
IN_HAND = 20
SETTLING_LIMIT = 90.0
# Lease, sweep and longest retry delay of these settings with its jitter, and some for a busy
# machine: nothing waits longer for its turn.
SILENCE = 3 + 1 + 4 * 1.2 + 6
SETTINGS = {
    "LETTERBOX_LEASE": "3",
    "LETTERBOX_SWEEP_INTERVAL": "1",
    "LETTERBOX_RETRY_DELAY": "1",
    "LETTERBOX_RETRY_DELAY_LIMIT": "4",
    "LETTERBOX_SMTP_TIMEOUT": "2",
    "LETTERBOX_SMTP_DATA_TIMEOUT": "2",
    "LETTERBOX_HTTP_TIMEOUT": "2",
    "LETTERBOX_ACCOUNT_PAUSE": "2",
    "LETTERBOX_ACCOUNT_PAUSE_LIMIT": "2",
}


@dataclass
class Scenario:
    crm: Crm
    outside: Outside
    tell: Callable[[str], None]
    # Of the record, where it names the mail as `outside` does.
    id_field: str = "internetMessageId"
    arrivals: list[dict[str, Any]] = field(default_factory=list)

    async def run(self, fault: Callable[[], Awaitable[None]]) -> Tally:
        """Have mails accepted and sent, let the `fault` happen meanwhile; the books afterwards.

        Holds what every fault must leave so: all mails are accepted in the end, each once,
        nothing is lost, everything is settled, and no refusal was a fault of ours.
        """
        handing_in = asyncio.create_task(self.crm.hand_in(MAILS))
        await self.outside.until(lambda counts: counts["arrived"] >= BEFORE)
        self.crm.go_on.set()
        await fault()
        over = time.time()
        await handing_in
        records = await self.crm.settled(SETTLING_LIMIT)
        seconds = time.time() - over
        self.arrivals = await self.outside.arrivals()
        stored = await self.crm.stored()
        books = tally(self.crm, records, self.arrivals, stored=stored, over=over, seconds=seconds)
        self.tell(books.line())
        assert (books.accepted, books.stored) == (MAILS, MAILS)
        assert (books.lost, books.unsettled) == (set(), set())
        assert set(books.answers) <= {ACCEPTED, "503", "UNAVAILABLE", "no answer"}
        assert named_alike(books, self.arrivals, self.id_field)
        assert books.silence < SILENCE
        return books
