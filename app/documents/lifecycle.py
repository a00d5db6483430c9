"""What users do to a communication after it was accepted: each one atomic move."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from beanie import PydanticObjectId
from pymongo.results import UpdateResult

from app.documents import content, ways_out
from app.documents.attachments import GRACE, AttachmentContent
from app.documents.base import Filter
from app.documents.communication_indexes import FLAG
from app.documents.communications import Communication, Event
from app.documents.deliveries import Delivery
from app.documents.engagement.hits import Engagement
from app.documents.totals import counting
from app.documents.vocabulary import CommunicationStatus, EventType

Row = Mapping[str, Any]

_WAITING = [CommunicationStatus.SCHEDULED, CommunicationStatus.PENDING]
_SETTLED = [
    CommunicationStatus.SENT,
    CommunicationStatus.DELIVERED,
    CommunicationStatus.BOUNCED,
    CommunicationStatus.COMPLAINED,
    CommunicationStatus.FAILED,
]
# MongoDB ends a document at 16 MB, and delivery has yet to write into it.
_FULL = 12 * 1024 * 1024
# Far more often than anybody sends one mail again in a day, in which a key holds.
_KEYS_LIMIT = 100


async def cancel(tenant: str, id_: PydanticObjectId, event: Event) -> Communication | None:
    """Call it off while it waits; None once a worker has it, or when it is settled."""
    return await _move(
        tenant,
        id_,
        leaving={"status": {"$in": _WAITING}},
        changes={"status": CommunicationStatus.CANCELLED},
        event=event,
        removed=["dispatchAt", "pausedAt"],
    )


async def reschedule(
    tenant: str, id_: PydanticObjectId, event: Event, *, at: datetime
) -> Communication | None:
    """Have it go out at another time; None once its time was reached, or it is called off.

    It counts as a dispatch that came to nothing: the job for the old time has its name taken, and
    the sweep must be able to queue one for the new.
    """
    return await _move(
        tenant,
        id_,
        leaving={"status": CommunicationStatus.SCHEDULED},
        changes={"scheduledAt": at, "dispatchAt": at},
        event=event,
        counted=["dispatches"],
    )


async def resend(
    tenant: str, id_: PydanticObjectId, event: Event, *, key: str | None
) -> Communication | None:
    """Have it sent once more, under a delivery of its own; None when it is not settled.

    With a `key`, once only: None when one of the last hundred keys did it before.
    """
    leaving: Filter = {"status": {"$in": _SETTLED}}
    changes: dict[str, Any] = {
        **FLAG,
        "status": CommunicationStatus.PENDING,
        "dispatchAt": event.date,
        "faults": 0,
    }
    pushed: dict[str, Any] = {}
    if key is not None:
        leaving["resendKeys"] = {"$ne": key}
        pushed["resendKeys"] = {"$each": [key], "$slice": -_KEYS_LIMIT}
    return await _move(
        tenant,
        id_,
        leaving=leaving,
        changes=changes,
        event=event,
        removed=["errorMessage", "reports", "fanOut", "progress", "pausedAt", "isWithheld"],
        counted=["sending"],
        pushed=pushed,
    )


async def comment(tenant: str, id_: PydanticObjectId, event: Event) -> Communication | None:
    """Write a user's comment into the audit trail; None for an unknown or a full record."""
    has_room = {"$expr": {"$lt": [{"$bsonSize": "$$ROOT"}, _FULL]}}
    return await _move(tenant, id_, leaving=has_room, changes={}, event=event)


async def delete(
    tenant: str, id_: PydanticObjectId, *, author: str, now: datetime, purge_at: datetime
) -> bool:
    """Hide it at once, and call it off if it waits; whether there was anything to delete.

    A worker may have it: what is in hand goes out, a further attempt is not begun. Of list mail
    under way the rest is called off, for which it stays due.
    """
    event = Event(type=EventType.DELETE, date=now, author_id=author).stored()
    hidden = {**FLAG, "deletedAt": now, "purgeAt": purge_at, "updated": now, "updatedBy": author}
    under_way = {
        "$and": [
            {"$eq": ["$status", CommunicationStatus.SENDING]},
            {"$gt": ["$recipientListId", None]},
        ]
    }
    called_off = {"$or": [{"$in": ["$status", _WAITING]}, under_way]}
    status = {"$cond": [called_off, CommunicationStatus.CANCELLED, "$status"]}
    deleted: UpdateResult = await Communication.get_motor_collection().update_one(
        Communication.owned(tenant, {"_id": id_}),
        [
            {
                "$set": {
                    **{name: {"$literal": value} for name, value in hidden.items()},
                    "status": status,
                    "dispatchAt": {"$cond": [under_way, {"$literal": now}, "$$REMOVE"]},
                    "events": {"$concatArrays": ["$events", [{"$literal": event}]]},
                }
            },
            {"$unset": "pausedAt"},
        ],
    )
    return deleted.matched_count == 1


async def purge(now: datetime, limit: int) -> int:
    """Remove for good what was deleted long enough ago; how many records that were."""
    cursor = (
        Communication.get_motor_collection()
        .find({"purgeAt": {"$lte": now}}, [*ways_out.TO_BE_KEPT, "contentId", "attachments.digest"])
        .limit(limit)
    )
    rows = [row async for row in cursor]
    await _count_out(rows, now)
    for row in rows:
        # Before what they are made of is gone.
        await ways_out.keep(row)
        await _purge_deliveries(row["_id"])
        await Engagement.remove_all(row["_id"])
        if "contentId" in row:
            await content.remove(Communication, row["contentId"])
        if digests := [attachment["digest"] for attachment in row.get("attachments", ())]:
            await AttachmentContent.hold(row["tenantId"], digests, now + GRACE)
        # Last: a crash before it leaves a record that is found again.
        await Communication.get_motor_collection().delete_one({"_id": row["_id"]})
    return len(rows)


async def _count_out(rows: Sequence[Row], now: datetime) -> None:
    """Take from the totals what they may have of records still: nothing tells of them later."""
    ids: defaultdict[str, list[PydanticObjectId]] = defaultdict(list)
    for row in rows:
        ids[row["tenantId"]].append(row["_id"])
    for tenant, few in ids.items():
        while await counting.count(tenant, now=now, ids=few) == counting.AT_ONCE:
            pass


async def _purge_deliveries(communication_id: PydanticObjectId) -> None:
    collection = Delivery.get_motor_collection()
    criteria = {"communicationId": communication_id}
    large = {**criteria, "contentId": {"$exists": True}}
    async for row in collection.find(large, {"contentId": 1}):
        await content.remove(Delivery, row["contentId"])
    await collection.delete_many(criteria)


async def _move(
    tenant: str,
    id_: PydanticObjectId,
    *,
    leaving: Filter,
    changes: dict[str, Any],
    event: Event,
    removed: list[str] | None = None,
    counted: list[str] | None = None,
    pushed: dict[str, Any] | None = None,
) -> Communication | None:
    update: dict[str, Any] = {
        "$set": {**changes, "updated": event.date, "updatedBy": event.author_id},
        "$push": {"events": event.stored(), **(pushed or {})},
    }
    if removed:
        update["$unset"] = dict.fromkeys(removed, "")
    if counted:
        update["$inc"] = dict.fromkeys(counted, 1)
    moved = await Communication.move(
        id_, leaving=Communication.owned(tenant, leaving), update=update
    )
    if moved is not None:
        await moved.load_content()
    return moved
