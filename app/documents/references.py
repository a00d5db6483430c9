"""The Message-IDs that a further mail of a conversation names (RFC 5322, section 3.6.4)."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING

from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.mail.stored import load

# Beside the first, by which all of a thread is held together.
_LAST = 20
_TIMES = ((Communication, "sentAt"), (InboundMessage, "receivedAt"))


async def message_ids(tenant: str, conversation_id: str) -> list[str]:
    """Message-IDs sent and received in this conversation, oldest first: its first and last 20."""
    criteria = {"conversationId": conversation_id, "internetMessageId": {"$gt": ""}}
    found: list[tuple[datetime, str]] = []
    for document, time in _TIMES:
        dated = document.owned(tenant, {**criteria, time: {"$exists": True}})
        shown = {"internetMessageId": 1, time: 1}
        for way, limit in ((ASCENDING, 1), (DESCENDING, _LAST)):
            cursor = document.get_motor_collection().find(dated, shown).sort(time, way).limit(limit)
            found += [(row[time], row["internetMessageId"]) async for row in cursor]
    return shortened([id_ for _, id_ in sorted(set(found))])


async def message_ids_of(tenant: str, conversation_ids: Collection[str]) -> dict[str, list[str]]:
    """The same of several conversations, in as few questions as for one while they are short."""
    if len(conversation_ids) == 1:
        return {id_: await message_ids(tenant, id_) for id_ in conversation_ids}
    criteria = {
        "conversationId": {"$in": list(conversation_ids)},
        "internetMessageId": {"$gt": ""},
    }
    found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for document, time in _TIMES:
        shown = {"conversationId": 1, "internetMessageId": 1, time: 1}
        limit = 2 * _LAST
        cursor = (
            document.get_motor_collection().find(document.owned(tenant, criteria), shown)
        ).limit(limit)
        rows = [row async for row in cursor]
        if len(rows) == limit:
            # There may be more, and of each the first and the latest count.
            return {id_: await message_ids(tenant, id_) for id_ in conversation_ids}
        for row in rows:
            if time in row:
                found[row["conversationId"]].append((row[time], row["internetMessageId"]))
    return {id_: shortened([one for _, one in sorted(pairs)]) for id_, pairs in found.items()}


async def ancestors(tenant: str, message_id: str) -> list[str] | None:
    """What a received message, or a mail of ours, answers itself, the first of all first.

    None for one that is not here.
    """
    row = await InboundMessage.get_motor_collection().find_one(
        InboundMessage.owned(tenant, {"internetMessageId": message_id}),
        {"answered": 1, "parentCommunicationId": 1},
    )
    if row is None:
        return await _above_ours(tenant, message_id)
    if row.get("answered") or "parentCommunicationId" not in row:
        return [*reversed(row.get("answered", []))]
    # It came to an address that names what it answers.
    record = await Communication.get_motor_collection().find_one(
        Communication.owned(tenant, {"_id": row["parentCommunicationId"]}), {"internetMessageId": 1}
    )
    parent = None if record is None else record.get("internetMessageId")
    return [] if parent is None else [*(await _above_ours(tenant, parent) or []), parent]


async def _above_ours(tenant: str, message_id: str) -> list[str] | None:
    names = ("messageId", "internetMessageId")
    either: Filter = {"$or": [Delivery.owned(tenant, {name: message_id}) for name in names]}
    sent = await Delivery.find_one(either)
    return None if sent is None else [*load(await sent.stored_message()).references]


def shortened(ids: Sequence[str]) -> list[str]:
    """Leave out what stands between the first and the last 20."""
    return [*ids] if len(ids) <= _LAST + 1 else [ids[0], *ids[-_LAST:]]
