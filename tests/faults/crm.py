"""A client that goes on handing in mails whatever breaks, and keeps the books."""

import asyncio
import time
from collections import Counter
from typing import Any

import httpx2

from tests.doors import GraphqlDoor

BASE = "/api/v1/communications"
AT_A_TIME = 6
# Records that are read with one request.
TOGETHER = 100
ACCEPTED = "accepted"
RECEIVED = (
    "query($after: String) { inboundMessages(first: 200, after: $after) "
    "{ nodes { internetMessageId } pageInfo { hasNextPage endCursor } } }"
)
FINAL = {"SENT", "FAILED"}
BODY = '<p>Dear customer, <a href="https://acme.test/offer?id=7">your offer</a> is ready.</p>'


def subject(number: int) -> str:
    return f"Offer {number}"


def address(number: int) -> str:
    return f"customer-{number}@customer.test"


class Crm:
    """`accepted` maps a mail's number to its record's id: only a 2xx counts.

    `answers` counts what was said, over REST (even numbers) and GraphQL, and connections that were
    lost or refused.
    """

    def __init__(self, client: httpx2.AsyncClient, extra: dict[str, Any] | None = None) -> None:
        self.client = client
        self.extra = extra or {}
        self.accepted: dict[int, str] = {}
        self.answers: Counter[str] = Counter()
        self.go_on = asyncio.Event()

    async def hand_in(self, count: int) -> None:
        """Have `count` mails accepted, some at a time; the second half when told to `go_on`."""
        numbers = iter(range(count))

        async def one_after_the_other() -> None:
            for number in numbers:
                if number >= count // 2:
                    await self.go_on.wait()
                await self._hand_in(number)

        async with asyncio.TaskGroup() as clients:
            for _ in range(AT_A_TIME):
                clients.create_task(one_after_the_other())

    async def records(self, numbers: list[int]) -> dict[int, dict[str, Any]]:
        """Read the records of these accepted mails."""
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(numbers), TOGETHER):
            chunk = {self.accepted[number]: number for number in numbers[start : start + TOGETHER]}
            response = await self.client.get(f"{BASE}/find", params={"ids": ",".join(chunk)})
            for record in response.raise_for_status().json():
                found[chunk[record["id"]]] = record
        return found

    async def stored(self) -> int:
        """How many records there are."""
        response = await self.client.get(f"{BASE}/page", params={"size": 1})
        return int(response.raise_for_status().json()["totalElements"])

    async def received(self) -> list[str]:
        """Read the Message-IDs of all that was received."""
        found: list[str] = []
        after = None
        while True:
            body = {"query": RECEIVED, "variables": {"after": after}}
            response = await self.client.post("/graphql", json=body)
            part = response.raise_for_status().json()["data"]["inboundMessages"]
            found += [node["internetMessageId"] for node in part["nodes"]]
            if not part["pageInfo"]["hasNextPage"]:
                return found
            after = part["pageInfo"]["endCursor"]

    async def settled(self, limit: float) -> dict[int, dict[str, Any]]:
        """Give the records once each is in a final state, or as they stand after `limit` s."""
        end = time.monotonic() + limit
        # Some are asked after, not all each time: that would keep the API busier than the mails do.
        waiting = list(self.accepted)
        while waiting and time.monotonic() < end:
            asked = waiting[:TOGETHER]
            seen = await self.records(asked)
            final = {number for number, record in seen.items() if record["status"] in FINAL}
            waiting = [number for number in waiting if number not in final]
            if len(final) < len(asked):
                await asyncio.sleep(0.25)
        return await self.records(list(self.accepted))

    async def _hand_in(self, number: int) -> None:
        mail = {
            "subject": subject(number),
            "body": BODY,
            "recipients": [address(number)],
            **self.extra,
        }
        # The same key for each try: whether an earlier one was stored is not known.
        key = f"mail-{number}"
        over = self._over_graphql if number % 2 else self._over_rest
        while True:
            try:
                said, id_ = await over(mail, key)
            except httpx2.TransportError:
                said, id_ = "no answer", None
            self.answers[said] += 1
            if id_ is not None:
                self.accepted[number] = id_
                return
            await asyncio.sleep(0.2)

    async def _over_rest(self, mail: dict[str, Any], key: str) -> tuple[str, str | None]:
        """Give the status of the answer, and the record's id if it was a good one."""
        response = await self.client.post(
            f"{BASE}/send", json=mail, headers={"Idempotency-Key": key}
        )
        if response.is_success:
            return ACCEPTED, response.json()["id"]
        retry = "Retry-After" in response.headers
        return f"{response.status_code}{'' if retry else ' without Retry-After'}", None

    async def _over_graphql(self, mail: dict[str, Any], key: str) -> tuple[str, str | None]:
        """Give the code of the error, and the record's id if there was none."""
        answer = await GraphqlDoor(self.client).send(mail, key=key)
        if answer.code is None:
            return ACCEPTED, answer.record["id"]
        return answer.code.value, None
