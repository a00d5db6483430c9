"""A client that goes on handing in mails whatever breaks, and keeps the books."""

import asyncio
import time
from collections import Counter
from typing import Any

import httpx2

BASE = "/api/v1/communications"
AT_A_TIME = 6
FINAL = {"SENT", "FAILED"}
BODY = '<p>Dear customer, <a href="https://acme.test/offer?id=7">your offer</a> is ready.</p>'


def subject(number: int) -> str:
    return f"Offer {number}"


def address(number: int) -> str:
    return f"customer-{number}@customer.test"


class Crm:
    """`accepted` maps a mail's number to its record's id: only a 2xx counts.

    `answers` counts every HTTP status that came, and connections that were lost or refused.
    """

    def __init__(self, client: httpx2.AsyncClient, extra: dict[str, Any] | None = None) -> None:
        self.client = client
        self.extra = extra or {}
        self.accepted: dict[int, str] = {}
        self.answers: Counter[str] = Counter()
        self.without_retry_after = 0

    async def hand_in(self, count: int) -> None:
        """Have `count` mails accepted, some at a time."""
        numbers = iter(range(count))

        async def one_after_the_other() -> None:
            for number in numbers:
                await self._hand_in(number)

        async with asyncio.TaskGroup() as clients:
            for _ in range(AT_A_TIME):
                clients.create_task(one_after_the_other())

    async def records(self) -> dict[int, dict[str, Any]]:
        """Read the record of each accepted mail."""
        numbers = list(self.accepted)
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(numbers), 100):
            chunk = {self.accepted[number]: number for number in numbers[start : start + 100]}
            response = await self.client.get(f"{BASE}/find", params={"ids": ",".join(chunk)})
            for record in response.raise_for_status().json():
                found[chunk[record["id"]]] = record
        return found

    async def stored(self) -> int:
        """How many records there are."""
        response = await self.client.get(f"{BASE}/page", params={"size": 1})
        return int(response.raise_for_status().json()["totalElements"])

    async def settled(self, limit: float) -> dict[int, dict[str, Any]]:
        """Give the records once each is in a final state, or as they stand after `limit` s."""
        end = time.monotonic() + limit
        while True:
            records = await self.records()
            if all(record["status"] in FINAL for record in records.values()):
                return records
            if time.monotonic() > end:
                return records
            await asyncio.sleep(0.25)

    async def _hand_in(self, number: int) -> None:
        mail = {
            "subject": subject(number),
            "body": BODY,
            "recipients": [address(number)],
            **self.extra,
        }
        # The same key for each try: whether an earlier one was stored is not known.
        headers = {"Idempotency-Key": f"mail-{number}"}
        while True:
            try:
                response = await self.client.post(f"{BASE}/send", json=mail, headers=headers)
            except httpx2.TransportError:
                self.answers["no answer"] += 1
                await asyncio.sleep(0.2)
                continue
            self.answers[str(response.status_code)] += 1
            if response.is_success:
                self.accepted[number] = response.json()["id"]
                return
            self.without_retry_after += "Retry-After" not in response.headers
            await asyncio.sleep(0.2)
