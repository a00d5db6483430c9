"""The deliveries of list mail, many at a time."""

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from beanie import PydanticObjectId
from bson import ObjectId
from pymongo import ASCENDING, UpdateOne
from pymongo.errors import BulkWriteError

from app.documents import content
from app.documents.base import Change, Filter
from app.documents.deliveries import Delivery
from app.documents.vocabulary import DeliveryStatus, RecipientStatus
from app.mail.addresses import new_message_id

_DUPLICATE = 11000
_NOT_SENT = [DeliveryStatus.FAILED, DeliveryStatus.SUPPRESSED, DeliveryStatus.UNSUBSCRIBED]


async def lay(
    pattern: Delivery, members: Sequence[tuple[PydanticObjectId, str]], *, domain: str
) -> None:
    """Insert one like `pattern` for each member; those that are there already stay as they are.

    Not made as documents one by one: that takes longer than storing them.
    """
    if not members:
        return
    common = pattern.model_dump(by_alias=True, exclude_none=True)
    stored = [
        {
            **common,
            "_id": ObjectId(),
            "memberId": member_id,
            "recipients": [{"address": email, "status": RecipientStatus.PENDING}],
            "trackingId": secrets.token_urlsafe(16),
            "messageId": new_message_id(domain),
        }
        for member_id, email in members
    ]
    try:
        await Delivery.get_motor_collection().insert_many(stored, ordered=False)
    except BulkWriteError as error:
        faults = (error.details or {}).get("writeErrors", [])
        if any(fault["code"] != _DUPLICATE for fault in faults):
            raise


async def claim(
    communication_id: PydanticObjectId, *, lease: str, now: datetime, until: datetime, limit: int
) -> list[Delivery]:
    """Take up to `limit` that are due, under `lease` until `until`; none when none is due."""
    collection = Delivery.get_motor_collection()
    due: Filter = {"communicationId": communication_id, "batchAt": {"$lte": now}}
    while True:
        cursor = collection.find(due, {"_id": 1}).sort("batchAt", ASCENDING).limit(limit)
        ids = [row["_id"] async for row in cursor]
        if not ids:
            return []
        among: Filter = {"_id": {"$in": ids}}
        taken = await collection.update_many(
            {**among, "status": DeliveryStatus.QUEUED, "batchAt": {"$lte": now}},
            [
                {
                    "$set": {
                        "batchAt": until,
                        "lease": {"$literal": lease},
                        "claims": {"$add": [{"$ifNull": ["$claims", 0]}, 1]},
                        # Its worker never gave it back: it may have died in a hand-over.
                        "abandoned": {"$or": ["$abandoned", "$lease"]},
                    }
                }
            ],
        )
        # None: another worker was quicker with all of these.
        if taken.modified_count:
            rows = collection.find({**among, "lease": lease})
            return [Delivery.model_validate(row) async for row in rows]


async def extend(ids: Sequence[PydanticObjectId], *, lease: str, until: datetime) -> None:
    """Keep those until `until` that are still held under `lease`."""
    await Delivery.get_motor_collection().update_many(
        {"_id": {"$in": list(ids)}, "lease": lease}, {"$set": {"batchAt": until}}
    )


async def give_back(ids: Sequence[PydanticObjectId], *, lease: str, due_at: datetime) -> None:
    """Let go of those that are held under `lease`, until `due_at`."""
    await Delivery.get_motor_collection().update_many(
        {"_id": {"$in": list(ids)}, "lease": lease},
        {"$set": {"batchAt": due_at}, "$unset": {"lease": ""}},
    )


async def keep_messages(rows: Sequence[Delivery]) -> None:
    """Store the messages, with links and language, that were worked out for these."""
    changes: list[UpdateOne] = []
    for row in rows:
        stored: dict[str, Any] = {}
        if row.links is not None:
            stored["links"] = row.links
        if row.locale is not None:
            stored["locale"] = row.locale
        if row.message is not None and len(row.message) > content.INLINE_LIMIT:
            row.content_id = stored["contentId"] = await content.put(Delivery, row.message)
        else:
            stored["message"] = row.message
        changes.append(UpdateOne({"_id": row.id, "lease": row.lease}, {"$set": stored}))
    if changes:
        await Delivery.get_motor_collection().bulk_write(changes, ordered=False)


async def make(changes: Sequence[tuple[Delivery, Change]]) -> None:
    """Make the moves; one whose states were left meanwhile is not made."""
    moves = [UpdateOne({"_id": row.id, **change.leaving}, change.update) for row, change in changes]
    await Delivery.get_motor_collection().bulk_write(moves, ordered=False)
    for row, change in changes:
        if row.content_id is not None and "contentId" in change.update["$unset"]:
            await content.remove(Delivery, row.content_id)


async def counts(communication_id: PydanticObjectId, sending: int) -> Counter[DeliveryStatus]:
    """Count the deliveries of this sending by their states."""
    stages: list[dict[str, Any]] = [
        {
            "$match": {
                "communicationId": communication_id,
                "sending": sending,
                "memberId": {"$exists": True},
            }
        },
        {"$group": {"_id": "$status", "count": {"$sum": 1}}},
    ]
    cursor = Delivery.get_motor_collection().aggregate(stages)
    return Counter({DeliveryStatus(row["_id"]): row["count"] async for row in cursor})


async def next_due(
    communication_id: PydanticObjectId, *, now: datetime, lease: timedelta
) -> tuple[datetime, bool] | None:
    """When the first unsettled one may be taken, and whether any is held; None without any.

    A `lease` is how long one may be held.
    """
    collection = Delivery.get_motor_collection()
    unsettled: Filter = {"communicationId": communication_id, "batchAt": {"$exists": True}}
    first = await collection.find_one(unsettled, {"batchAt": 1}, sort=[("batchAt", ASCENDING)])
    if first is None:
        return None
    # Not all that wait are looked through: what is held comes free before a lease has passed.
    soon = {"batchAt": {"$gt": now, "$lte": now + lease}, "lease": {"$exists": True}}
    held = await collection.find_one({**unsettled, **soon}, {"_id": 1})
    return first["batchAt"], held is not None


async def any_unsettled(communication_id: PydanticObjectId) -> bool:
    found = await Delivery.get_motor_collection().find_one(
        {"communicationId": communication_id, "batchAt": {"$exists": True}}, {"_id": 1}
    )
    return found is not None


async def cancel_waiting(communication_id: PydanticObjectId, now: datetime) -> None:
    """Settle those that nobody holds, or whose holder died: they are not sent any more."""
    await Delivery.get_motor_collection().update_many(
        {
            "communicationId": communication_id,
            "batchAt": {"$exists": True},
            "$or": [{"lease": {"$exists": False}}, {"batchAt": {"$lte": now}}],
        },
        {
            "$set": {"status": DeliveryStatus.CANCELLED},
            # Content that stands elsewhere is found by the purge.
            "$unset": {"batchAt": "", "lease": "", "message": ""},
        },
    )


async def reasons(communication_id: PydanticObjectId, sending: int, limit: int) -> list[str]:
    """Tell of the first who did not get it, each with why."""
    cursor = (
        Delivery.get_motor_collection()
        .find(
            {
                "communicationId": communication_id,
                "sending": sending,
                "memberId": {"$exists": True},
                "status": {"$in": _NOT_SENT},
            },
            {"recipients": 1},
        )
        .sort("memberId", ASCENDING)
        .limit(limit)
    )
    found = [one async for row in cursor for one in row["recipients"]]
    return [f"{one['address']} ({one.get('reply')})" for one in found]
