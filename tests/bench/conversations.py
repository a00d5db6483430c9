"""Threads and timelines in a tenant with 100,000 communications and 20,000 replies."""

from datetime import timedelta
from typing import Any

from bson import ObjectId

from tests.bench.figures import Figure
from tests.bench.reading import BASE, communications, fill, median_of
from tests.fakes.messages import message
from tests.stack import Stack

# The third of every five mails of a conversation was answered.
ANSWERED = 2
PER_CONVERSATION = 5
AT_A_TIME = 2000


async def conversations(stack: Stack) -> list[Figure]:
    async with stack.client() as client:
        await fill(stack, client)
        response = await client.post(
            "/api/v1/inbound/mime",
            content=message(text="Fine, thank you.\r\n" * 40),
            headers={"Content-Type": "message/rfc822"},
        )
        response.raise_for_status()
        await _answer(stack)
        first = await communications(stack).find_one({"bench": 5 * 17})
        assert first is not None
        entity = {"entityType": "deal", "entityId": "17"}
        entries = (await client.get(f"{BASE}/by-entity", params=entity)).json()
        thread = (await client.get(f"{BASE}/{first['_id']}/thread")).json()
        return [
            await median_of(client, "/by-entity", entity),
            Figure("  entries in it", len(entries), "mails", "-"),
            await median_of(client, f"/{first['_id']}/thread", {}),
            Figure("  mails in it", len(thread["inbound"] + thread["outbound"]), "mails", "-"),
            await median_of(client, "/analytics", {}, wanted="-"),
            await median_of(
                client, "/analytics", {"from": "2026-01-01", "to": "2026-02-01"}, wanted="-"
            ),
        ]


async def _answer(stack: Stack) -> None:
    """Store a reply for each conversation, like one that was really received."""
    sent = communications(stack)
    inbound = sent.database["inboundMessages"]
    received: dict[str, Any] | None = await inbound.find_one({})
    assert received is not None
    rows: list[dict[str, Any]] = []
    wanted = {"bench": {"$mod": [PER_CONVERSATION, ANSWERED]}}
    names = ("conversationId", "relatedEntityType", "relatedEntityId")
    async for row in sent.find(wanted, {**dict.fromkeys(names, 1), "sentAt": 1}):
        id_ = ObjectId()
        rows.append(
            {
                **received,
                **{name: row[name] for name in names},
                "_id": id_,
                "key": f"<{id_}@customer.test>",
                "internetMessageId": f"<{id_}@customer.test>",
                "parentCommunicationId": row["_id"],
                "receivedAt": row["sentAt"] + timedelta(hours=1),
            }
        )
    for start in range(0, len(rows), AT_A_TIME):
        await inbound.insert_many(rows[start : start + AT_A_TIME], ordered=False)
